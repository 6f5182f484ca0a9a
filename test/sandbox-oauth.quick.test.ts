import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createTestClient, type TestClient } from '../sandbox/testing/client.ts';

const desktop = 'http://127.0.0.1:3999/cb';
const web = 'https://app.example/cb';
const app = { clientKey: 'key', clientSecret: 'secret', redirectUri: desktop };
const anyPort = 'http://localhost:*/cb';

let sandbox: Sandbox;
let client: TestClient;

beforeEach(async () => {
  sandbox = await startSandbox({ tiktok: { ...app, redirectUris: [desktop, web, anyPort] } });
  client = createTestClient(sandbox.url, app);
});
afterEach(() => sandbox.close());

const verifier = randomBytes(40).toString('base64url');
const hexChallenge = createHash('sha256').update(verifier).digest('hex');
const pkce = { code_challenge: hexChallenge, code_challenge_method: 'S256' };

function text(body: unknown, field: string): string {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, field) : undefined;
  if (typeof value !== 'string') throw new Error(`${field} is no string in ${JSON.stringify(body)}`);
  return value;
}

async function authorize(changes: Record<string, string> = {}): Promise<URLSearchParams> {
  await client.control('POST', '/consent', { decision: 'approve' });
  return (await client.visit(client.authorizeUrl({ ...pkce, ...changes }))).searchParams;
}

const exchange = (code: string, changes: Record<string, string> = {}) =>
  client.postForm('/v2/oauth/token/', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: desktop,
    code_verifier: verifier,
    ...changes,
  });

const refresh = (refresh_token: string) =>
  client.postForm('/v2/oauth/token/', { grant_type: 'refresh_token', refresh_token });

const userInfo = (accessToken: string, fields = 'open_id') =>
  client.call(accessToken, `/v2/user/info/?fields=${fields}`, undefined, 'GET');

describe('authorize page', () => {
  it.each([
    ['client_key', { client_key: 'other' }],
    ['redirect_uri', { redirect_uri: `${desktop}/` }],
    ['redirect_uri', { redirect_uri: 'http://localhost:1/cb/more' }],
    ['response_type', { response_type: 'token' }],
    ['scope', { scope: 'user.info.basic video.publish' }],
    ['scope', { scope: 'video.create' }],
    ['code_challenge', { code_challenge: createHash('sha256').update(verifier).digest('base64url') }],
    ['code_challenge_method', { code_challenge_method: 'plain' }],
  ])('shows its own error page for a wrong %s', async (parameter, changes) => {
    await client.control('POST', '/consent', { decision: 'approve' });
    const page = await fetch(client.authorizeUrl({ ...pkce, ...changes }), { redirect: 'manual' });
    expect(page.headers.get('location')).toBeNull();
    const body = await page.text();
    expect(body).toContain('Something went wrong');
    expect(body).toContain(`<code>${parameter}</code>`);
  });

  it('requires PKCE for a loopback redirect and not for a web one', async () => {
    const page = await fetch(client.authorizeUrl());
    expect(await page.text()).toContain('<code>code_challenge</code>');
    await client.control('POST', '/consent', { decision: 'approve' });
    const callback = await client.visit(client.authorizeUrl({ redirect_uri: web }));
    const code = callback.searchParams.get('code') ?? '';
    expect((await exchange(code, { redirect_uri: web })).status).toBe(200);
  });

  it('matches a registered wildcard port', async () => {
    await client.control('POST', '/consent', { decision: 'approve' });
    const callback = await client.visit(
      client.authorizeUrl({ ...pkce, redirect_uri: 'http://localhost:4123/cb' }),
    );
    expect(callback.origin).toBe('http://localhost:4123');
  });

  it('can be clicked through with some scopes unticked', async () => {
    const url = client.authorizeUrl(pkce);
    const page = await (await fetch(url)).text();
    const action = /action="([^"]+)"/.exec(page)?.[1]?.replaceAll('&#38;', '&') ?? '';
    expect(page).toContain('@sandbox_creator');
    const form = new URLSearchParams({
      creator: 'sandbox_creator',
      decision: 'approve',
      scope: 'video.upload',
    });
    const init = { method: 'POST', body: form, redirect: 'manual' } as const;
    const response = await fetch(new URL(action, sandbox.url), init);
    const query = new URL(response.headers.get('location') ?? '').searchParams;
    expect(query.get('scopes')).toBe('user.info.basic,video.upload');
    expect(query.get('state')).toBe('opaque state/+');
    expect(query.get('code')).toMatch(/\*\d!\d{4}\.va$/);
  });

  it('returns a denial with its error', async () => {
    await client.control('POST', '/consent', { decision: 'deny' });
    const { searchParams } = await client.visit(client.authorizeUrl(pkce));
    expect(searchParams.get('error')).toBe('access_denied');
    expect(searchParams.get('state')).toBe('opaque state/+');
    expect(searchParams.has('code')).toBe(false);
  });

  it('approves by itself on request', async () => {
    await client.control('POST', '/tiktok/options', { autoApprove: true });
    const first = await client.visit(client.authorizeUrl(pkce));
    const second = await client.visit(client.authorizeUrl(pkce));
    expect(first.searchParams.get('code')).not.toBe(second.searchParams.get('code'));
  });
});

describe('token endpoint', () => {
  it('exchanges a code once', async () => {
    const code = (await authorize()).get('code') ?? '';
    const first = await exchange(code);
    expect(first.body).toMatchObject({
      expires_in: 7_200,
      refresh_expires_in: 15_552_000,
      token_type: 'Bearer',
    });
    expect(text(first.body, 'open_id')).toHaveLength(36);
    const again = await exchange(code);
    expect(again.status).toBe(400);
    expect(again.body).toMatchObject({
      error: 'invalid_grant',
      error_description: 'Authorization code is expired.',
      log_id: expect.stringMatching(/^\d{14}[0-9A-F]{20}$/),
    });
  });

  it('binds a code to redirect URI, verifier and ten minutes', async () => {
    const code = (await authorize()).get('code') ?? '';
    const elsewhere = await exchange(code, { redirect_uri: web });
    expect(text(elsewhere.body, 'error_description')).toMatch(/^Redirect_uri is not matched/);
    for (const code_verifier of ['', verifier.slice(1), `${verifier.slice(0, -1)}+`, 'short']) {
      expect(text((await exchange(code, { code_verifier })).body, 'error')).toBe('invalid_request');
    }
    await client.control('POST', '/clock', { advanceMs: 600_000 });
    expect(text((await exchange(code)).body, 'error')).toBe('invalid_grant');
  });

  it.each([
    ['invalid_client', { grant_type: 'refresh_token', client_secret: 'wrong' }],
    ['unsupported_grant_type', { grant_type: 'password' }],
    ['invalid_request', { grant_type: 'authorization_code', code: '' }],
    ['invalid_request', { grant_type: 'refresh_token' }],
  ])('answers %s', async (error, form) => {
    const { status, body } = await client.postForm('/v2/oauth/token/', form);
    expect(status).toBe(400);
    expect(text(body, 'error')).toBe(error);
  });

  it('can send its errors with HTTP 200', async () => {
    await client.control('POST', '/tiktok/options', { oauthErrorStatus: 200 });
    const { status, body } = await refresh('rft.unknown');
    expect(status).toBe(200);
    expect(text(body, 'error')).toBe('invalid_grant');
  });

  it('accepts only forms, with the trailing slash, by POST', async () => {
    const url = `${sandbox.url}/v2/oauth/token`;
    for (const response of [await fetch(url, { method: 'POST' }), await fetch(`${url}/`)]) {
      expect(response.status).toBe(404);
      expect(await response.text()).toBe('Unsupported path(Janus)');
    }
    const json = await client.call('', '/v2/oauth/token/', { ...app, grant_type: 'refresh_token' });
    expect(json.body).toMatchObject({ error: 'invalid_request' });
  });

  it('rotates: the previous refresh token stops working, the access token stays valid', async () => {
    const first = await client.connect();
    const second = await refresh(first.refreshToken);
    expect(text(second.body, 'refresh_token')).not.toBe(first.refreshToken);
    expect(text((await refresh(first.refreshToken)).body, 'error')).toBe('invalid_grant');
    expect((await userInfo(first.accessToken)).status).toBe(200);
    expect((await refresh(text(second.body, 'refresh_token'))).status).toBe(200);
  });

  it('can keep, omit or grace the refresh token, and end the older access token', async () => {
    await client.control('POST', '/tiktok/options', {
      refreshGraceSeconds: 60,
      refreshKillsAccessToken: true,
    });
    const { refreshToken, accessToken } = await client.connect();
    await refresh(refreshToken);
    expect((await userInfo(accessToken)).status).toBe(401);
    expect((await refresh(refreshToken)).status).toBe(200);
    await client.control('POST', '/clock', { advanceMs: 60_001 });
    expect((await refresh(refreshToken)).status).toBe(400);

    await client.control('POST', '/tiktok/options', { rotateRefreshToken: false, omitRefreshToken: true });
    const kept = await client.connect();
    expect((await refresh(kept.refreshToken)).body).not.toHaveProperty('refresh_token');
    expect((await refresh(kept.refreshToken)).status).toBe(200);
  });

  it('lets tokens expire with the sandbox clock', async () => {
    const { accessToken, refreshToken } = await client.connect();
    await client.control('POST', '/clock', { advanceMs: 7_200_000 });
    const { status, body } = await userInfo(accessToken);
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: { code: 'access_token_invalid' } });
    await client.control('POST', '/clock', { advanceMs: 15_552_000_000 });
    expect((await refresh(refreshToken)).status).toBe(400);
  });

  it('revokes by access token: the whole grant ends', async () => {
    const { accessToken, refreshToken } = await client.connect();
    expect((await client.postForm('/v2/oauth/revoke/', { token: accessToken })).status).toBe(200);
    expect((await userInfo(accessToken)).status).toBe(401);
    expect((await refresh(refreshToken)).status).toBe(400);
    expect((await client.postForm('/v2/oauth/revoke/', { token: accessToken })).status).toBe(400);
    expect(await client.control('GET', '/tiktok/deliveries')).toMatchObject([
      { event: 'authorization.removed', body: expect.stringContaining('\\"reason\\":5') },
    ]);
  });
});

describe('display API', () => {
  it('returns user fields by scope', async () => {
    const full = await client.connect();
    expect((await userInfo(full.accessToken, 'username,follower_count')).body).toEqual({
      data: { user: { username: 'sandbox_creator', follower_count: 0 } },
      error: expect.objectContaining({ code: 'ok' }),
    });
    const basic = await client.connect('sandbox_creator', 'user.info.basic');
    expect(await userInfo(basic.accessToken, 'open_id,username')).toMatchObject({
      status: 401,
      body: { error: { code: 'scope_not_authorized' } },
    });
    await client.control('POST', '/tiktok/options', { outOfScopeFields: 'omit' });
    expect((await userInfo(basic.accessToken, 'open_id,username')).body).toMatchObject({
      data: { user: { open_id: basic.openId } },
    });
    expect((await userInfo(basic.accessToken, 'age')).body).toMatchObject({
      error: { code: 'invalid_params', message: 'Invalid field(s): age' },
    });
    expect((await userInfo(basic.accessToken, '')).status).toBe(400);
  });

  it('pages through public videos, newest first', async () => {
    const { accessToken, openId } = await client.connect();
    const start = Date.now() - 100_000;
    for (let index = 0; index < 5; index += 1) {
      const video = { openId, title: `video ${index}`, createdAt: start + index };
      await client.control('POST', '/tiktok/videos', video);
    }
    await client.control('POST', '/tiktok/videos', { openId, title: 'private', public: false });
    const path = '/v2/video/list/?fields=id,title';
    const first = await client.call(accessToken, path, { max_count: 3 });
    expect(first.body).toMatchObject({
      data: { videos: [{ title: 'video 4' }, {}, {}], cursor: start + 2, has_more: true },
    });
    const second = await client.call(accessToken, path, { max_count: 3, cursor: start + 2 });
    expect(second.body).toMatchObject({ data: { videos: [{}, { title: 'video 0' }], has_more: false } });
    const epoch = await client.call(accessToken, path, { cursor: 0 });
    expect(epoch.body).toMatchObject({ data: { videos: [] } });
    expect((await client.call(accessToken, path, { max_count: 21 })).status).toBe(400);
    const unknown = await client.call(accessToken, path.replace('list', 'query'), {
      filters: { video_ids: ['1'] },
    });
    expect(unknown.body).toMatchObject({ data: { videos: [] } });
  });
});
