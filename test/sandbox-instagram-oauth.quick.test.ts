import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { jpeg } from '../sandbox/testing/media.ts';
import {
  createInstagramClient,
  createInstagramLoginClient,
  type InstagramClient,
} from '../sandbox/testing/meta.ts';
import { receiveWebhooks, serveMedia, type Receiver } from './media-server.ts';

const redirectUri = 'http://127.0.0.1:3999/cb';
const app = { appId: '4444', appSecret: 'meta-secret', redirectUri };
const loginApp = { appId: '6666', appSecret: 'instagram secret', redirectUri };
const Id = Type.Object({ id: Type.String() });
const Token = Type.Object({ access_token: Type.String() });
const DAY_MS = 86_400_000;
const APP_TOKEN = `${app.appId}|${app.appSecret}`;

let sandbox: Sandbox;
let client: InstagramClient;
let receiver: Receiver;

const start = (stateDir?: string) =>
  startSandbox({
    ...(stateDir === undefined ? {} : { stateDir }),
    instagram: {
      appId: app.appId,
      appSecret: app.appSecret,
      loginAppId: loginApp.appId,
      loginAppSecret: loginApp.appSecret,
      redirectUris: [redirectUri, 'http://localhost:*/cb'],
      webhookUrl: receiver.url,
      verifyToken: 'verify me',
      deauthorizeUrl: `${receiver.url}/deauthorize`,
      dataDeletionUrl: `${receiver.url}/delete`,
      options: { processingMs: 0 },
    },
  });

beforeEach(async () => {
  receiver = await receiveWebhooks('verify me');
  sandbox = await start();
  client = createInstagramClient(sandbox.url, app);
});
afterEach(async () => {
  await sandbox.close();
  await receiver.close();
});

const setOptions = (options: object) => client.control('POST', '/instagram/options', options);
const advance = (advanceMs: number) => client.control('POST', '/clock', { advanceMs });
const consent = (decision: object) =>
  client.control('POST', '/consent', { decision: 'approve', provider: 'instagram', ...decision });
const get = (token: string, path: string, params: Record<string, string> = {}) =>
  client.call(token, 'GET', path, params);
const exchangeLong = (fb_exchange_token: string) =>
  client.call(null, 'GET', '/oauth/access_token', {
    ...client.credentials(),
    grant_type: 'fb_exchange_token',
    fb_exchange_token,
  });
const debug = (input_token: string) =>
  client.call(null, 'GET', '/debug_token', { input_token, access_token: APP_TOKEN });
const deadWith = (error_subcode: number) => ({ status: 400, body: { error: { code: 190, error_subcode } } });

describe('dialog', () => {
  it.each([
    ['Invalid App ID', { client_id: loginApp.appId }],
    ['URL Blocked', { redirect_uri: `${redirectUri}/` }],
    ['response_type', { response_type: 'token' }],
    ['Invalid Scopes: instagram_everything', { scope: 'instagram_basic,instagram_everything' }],
    ['state', { state: '' }],
  ])('shows its own error page: %s', async (text, changes) => {
    await consent({});
    const page = await fetch(client.dialogUrl(changes), { redirect: 'manual' });
    expect(page.status).toBe(400);
    expect(page.headers.get('location')).toBeNull();
    expect(await page.text()).toContain(text);
  });

  it('comes back with a code or a denial, a state and a fragment', async () => {
    await consent({});
    const changes = { redirect_uri: 'http://localhost:4123/cb', response_type: 'code,granted_scopes' };
    const approved = await client.visit(
      client.dialogUrl({ ...changes, scope: 'instagram_basic pages_show_list' }),
    );
    expect(approved.origin).toBe('http://localhost:4123');
    expect(approved.hash).toBe('#_=_');
    expect(approved.searchParams.get('state')).toBe('opaque state/+');
    expect(approved.searchParams.get('granted_scopes')).toBe(
      'public_profile,instagram_basic,pages_show_list',
    );
    await consent({ decision: 'deny' });
    const denied = await client.visit(client.dialogUrl());
    expect(Object.fromEntries(denied.searchParams)).toEqual({
      error: 'access_denied',
      error_reason: 'user_denied',
      error_description: 'Permissions error.',
      state: 'opaque state/+',
    });
  });

  it('can be clicked through with a page and a scope unticked', async () => {
    await client.control('POST', '/instagram/accounts', { username: 'shop' });
    await client.control('POST', '/instagram/pages', { name: 'Shop', instagram: 'shop' });
    const url = client.dialogUrl({ scope: 'pages_show_list,instagram_basic,email' });
    const page = await (await fetch(url)).text();
    expect(page).toContain('value="Sandbox Page"');
    const form = new URLSearchParams({ creator: 'sandbox_creator', decision: 'approve', page: 'Shop' });
    form.append('scope', 'pages_show_list');
    form.append('scope', 'instagram_basic');
    const answer = await fetch(url, { method: 'POST', body: form, redirect: 'manual' });
    const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const token = parse(Token, (await client.exchange(code)).body).access_token;
    expect((await get(token, '/me/accounts', { fields: 'name' })).body).toMatchObject({
      data: [{ name: 'Shop' }],
    });
    expect((await get(token, '/me/permissions')).body).toMatchObject({
      data: [{}, {}, {}, { permission: 'email', status: 'declined' }],
    });
  });

  it('asks again for declined scopes only with auth_type=rerequest', async () => {
    const scopes = ['pages_show_list'];
    const query = { scope: 'pages_show_list,instagram_basic', response_type: 'code granted_scopes' };
    const visit = async (changes: object = {}) =>
      (await client.visit(client.dialogUrl({ ...query, ...changes }))).searchParams.get('denied_scopes');
    await consent({ scopes });
    expect(await visit()).toBe('instagram_basic');
    await consent({});
    expect(await visit()).toBe('instagram_basic');
    await consent({});
    expect(await visit({ auth_type: 'rerequest' })).toBe('');
  });

  it('leaves decisions for other providers alone', async () => {
    await client.control('POST', '/consent', { decision: 'deny', provider: 'threads' });
    expect(await (await fetch(client.dialogUrl(), { redirect: 'manual' })).text()).toContain(
      'Facebook sandbox',
    );
    await consent({});
    const callback = await client.visit(client.dialogUrl());
    expect(callback.searchParams.has('code')).toBe(true);
  });

  it('accepts all or nothing with a configuration', async () => {
    await setOptions({ configScopes: ['pages_show_list', 'instagram_basic'] });
    await consent({ scopes: ['pages_show_list'] });
    const denied = await client.visit(client.dialogUrl({ config_id: '1' }));
    expect(denied.searchParams.get('error')).toBe('access_denied');
  });
});

describe('tokens', () => {
  it('exchange a code once, for the redirect URI that it was made for', async () => {
    const code = await client.approve();
    const wrong = await client.exchange(code, { redirect_uri: 'http://localhost:1/cb' });
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 100, type: 'OAuthException' } } });
    expect(wrong.headers.get('www-authenticate')).toContain('"invalid_code"');
    expect(await client.exchange(code, { client_secret: 'wrong' })).toMatchObject({ status: 400 });
    expect((await client.exchange(code)).body).toMatchObject({ token_type: 'bearer', expires_in: 3_600 });
    await setOptions({ codeErrorSubcode: 36_009 });
    expect((await client.exchange(code)).body).toMatchObject({ error: { error_subcode: 36_009 } });
    const late = await client.approve();
    await advance(3_600_000);
    expect((await client.exchange(late)).status).toBe(400);
  });

  it('become long-lived while valid', async () => {
    const short = parse(Token, (await client.exchange(await client.approve())).body).access_token;
    const { body } = await exchangeLong(short);
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 5_183_944 });
    const long = parse(Token, body).access_token;
    await advance(3_600_000);
    expect(await exchangeLong(short)).toMatchObject(deadWith(463));
    expect(await get(short, '/me')).toMatchObject(deadWith(463));
    const { expires_in } = parse(
      Type.Object({ expires_in: Type.Integer() }),
      (await exchangeLong(long)).body,
    );
    expect(5_183_944 - 3_600 - expires_in).toBeOneOf([0, 1, 2]);
    await setOptions({ reexchange: 'extends', omitExpiresIn: true });
    const again = await exchangeLong(long);
    expect(again.body).not.toHaveProperty('expires_in');
    await advance(5_183_944_000 - 1_800_000);
    expect((await get(long, '/me')).status).toBe(400);
    expect((await get(parse(Token, again.body).access_token, '/me')).status).toBe(200);
  });

  it('include permanent page tokens, only from a long-lived one', async () => {
    const { pageToken, userToken } = await client.connect();
    const Pages = Type.Object({ data: Type.Array(Token) });
    const again = await client.ask(Pages, userToken, 'GET', '/me/accounts');
    expect(again.data[0]?.access_token).toBe(pageToken);
    const short = parse(Token, (await client.exchange(await client.approve())).body).access_token;
    const brief = (await client.ask(Pages, short, 'GET', '/me/accounts')).data[0]?.access_token ?? '';
    expect(brief).not.toBe(pageToken);
    await advance(3_600_000);
    expect(await get(brief, '/me')).toMatchObject(deadWith(463));
    await advance(100 * DAY_MS);
    expect((await get(pageToken, '/me')).body).toMatchObject({ name: 'Sandbox Page' });
    expect(await get(userToken, '/me')).toMatchObject(deadWith(463));
  });

  it('can be inspected with the app token', async () => {
    const { pageToken, userToken, pageId, igId } = await client.connect({ pages: ['Sandbox Page'] });
    expect((await debug(pageToken)).body).toMatchObject({
      data: { app_id: app.appId, type: 'PAGE', is_valid: true, expires_at: 0, profile_id: pageId },
    });
    const granular_scopes = expect.arrayContaining([
      { scope: 'pages_show_list', target_ids: [pageId] },
      { scope: 'instagram_basic', target_ids: [igId] },
    ]);
    expect((await debug(userToken)).body).toMatchObject({ data: { type: 'USER', granular_scopes } });
    expect((await debug('EAAx')).body).toMatchObject({ data: { is_valid: false, error: { code: 190 } } });
    await client.control('POST', '/instagram/invalidate', { subcode: 460 });
    expect((await debug(userToken)).body).toMatchObject({
      data: { is_valid: false, error: { subcode: 460 } },
    });
    expect((await client.call(userToken, 'GET', '/debug_token', { input_token: userToken })).status).toBe(
      400,
    );
    const appToken = { ...client.credentials(), grant_type: 'client_credentials' };
    expect((await client.call(null, 'GET', '/oauth/access_token', appToken)).body).toEqual({
      access_token: APP_TOKEN,
      token_type: 'bearer',
    });
  });

  it.each([
    ['invalidate', { subcode: 459 }, 459],
    ['expire-tokens', {}, 463],
    ['revoke', {}, 458],
  ])('die by %s', async (path, body, subcode) => {
    const { pageToken, userToken } = await client.connect();
    await client.control('POST', `/instagram/${path}`, body);
    expect(await get(userToken, '/me')).toMatchObject(deadWith(subcode));
    expect(await get(pageToken, '/me')).toMatchObject(deadWith(subcode));
  });

  it('are revoked one permission at a time, or all together', async () => {
    const { userToken, pageToken, igId } = await client.connect();
    const remove = (path: string) => client.call(userToken, 'DELETE', path);
    expect((await remove('/me/permissions/instagram_content_publish')).body).toEqual({ success: true });
    const made = await client.call(pageToken, 'POST', `/${igId}/media`, {
      image_url: 'https://x.example/a.jpg',
    });
    expect(made).toMatchObject({ status: 400, body: { error: { code: 10 } } });
    expect((await remove('/me/permissions/instagram_content_publish')).status).toBe(400);
    expect((await remove('/me/permissions')).body).toEqual({ success: true });
    expect(await get(pageToken, '/me')).toMatchObject(deadWith(458));
    await receiver.arrive(1);
    expect(receiver.received[0]?.path).toBe('/hook/deauthorize');
  });
});

describe('accounts', () => {
  const fields = 'id,name,tasks,instagram_business_account{id,username}';

  it('include pages with and without an account, with cursors', async () => {
    await client.control('POST', '/instagram/pages', { name: 'No account' });
    await client.control('POST', '/instagram/pages', { name: 'Of a portfolio', portfolio: true });
    await client.control('POST', '/instagram/pages', { name: 'Not mine', user: 'somebody' });
    const { userToken } = await client.connect();
    const all = await get(userToken, '/me/accounts', { fields });
    expect(all.body).toMatchObject({
      data: [
        { name: 'Sandbox Page', instagram_business_account: { username: 'sandbox_creator' } },
        { name: 'No account' },
        { name: 'Of a portfolio' },
      ],
    });
    expect(all.text.match(/instagram_business_account/g)).toHaveLength(1);
    const Page = Type.Object({ paging: Type.Object({ next: Type.String() }) });
    const { paging } = await client.ask(Page, userToken, 'GET', '/me/accounts', {
      fields: 'name',
      limit: '2',
    });
    expect(
      await (await fetch(paging.next, { headers: { authorization: `Bearer ${userToken}` } })).json(),
    ).toMatchObject({
      data: [{ name: 'Of a portfolio' }],
    });
    const wrong = await get(userToken, '/me/accounts', {
      fields: 'instagram_business_account{account_type}',
    });
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 100 } } });
  });

  it('exclude a portfolio’s pages without business_management', async () => {
    await client.control('POST', '/instagram/pages', {
      name: 'Sandbox Page',
      instagram: 'sandbox_creator',
      portfolio: true,
    });
    const { userToken } = await client.connect({}, 'pages_show_list,instagram_basic');
    expect((await get(userToken, '/me/accounts')).body).toEqual({ data: [] });
    await client.connect({}, 'pages_show_list,instagram_basic,business_management');
    expect((await get(userToken, '/me/accounts')).body).toMatchObject({ data: [{ name: 'Sandbox Page' }] });
  });

  it('include a portfolio’s pages if so configured', async () => {
    await setOptions({ portfolioPages: 'businesses' });
    await client.control('POST', '/instagram/pages', { name: 'Of a portfolio', portfolio: true });
    const { userToken } = await client.connect({}, 'pages_show_list,instagram_basic');
    expect((await get(userToken, '/me/businesses')).status).toBe(400);
    await client.connect({}, 'pages_show_list,instagram_basic,business_management');
    expect((await get(userToken, '/me/accounts')).body).toMatchObject({ data: [{ name: 'Sandbox Page' }] });
    const Businesses = Type.Object({ data: Type.Tuple([Type.Object({ id: Type.String() })]) });
    const [{ id }] = (await client.ask(Businesses, userToken, 'GET', '/me/businesses')).data;
    expect((await get(userToken, `/${id}/owned_pages`)).body).toMatchObject({
      data: [{ name: 'Of a portfolio' }],
    });
    expect((await get(userToken, `/${id}/client_pages`)).body).toEqual({ data: [] });
  });

  it('are reachable only through a chosen page', async () => {
    const { userToken, igId } = await client.connect();
    expect((await get(userToken, `/${igId}`, { fields: 'username' })).body).toMatchObject({
      username: 'sandbox_creator',
    });
    await client.connect({ pages: [] });
    expect(await get(userToken, `/${igId}`)).toMatchObject({
      status: 400,
      body: { error: { code: 100, error_subcode: 33 } },
    });
  });
});

const login = () => createInstagramLoginClient(sandbox.url, loginApp);

describe('Instagram Login', () => {
  it('connects without a page, and publishes', async () => {
    const media = await serveMedia();
    const { token, igId } = await login().connect();
    const { body } = await login().call(token, 'GET', '/me', { fields: 'id,user_id,account_type' });
    expect(body).toMatchObject({ user_id: igId, account_type: 'Business' });
    expect(body).not.toMatchObject({ id: igId });
    const image_url = media.serve('/a.jpg', jpeg());
    const { id: creation_id } = await login().ask(Id, token, 'POST', '/me/media', { image_url });
    await vi.waitFor(async () =>
      expect(
        (await login().call(token, 'GET', `/${creation_id}`, { fields: 'status_code' })).body,
      ).toMatchObject({
        status_code: 'FINISHED',
      }),
    );
    const published = await login().ask(Id, token, 'POST', `/${igId}/media_publish`, { creation_id });
    expect(await client.control('GET', '/instagram/count')).toMatchObject({ live: 1 });
    expect((await login().call(token, 'DELETE', `/${published.id}`)).status).toBe(400);
    const resumable = { media_type: 'REELS', upload_type: 'resumable' };
    expect((await login().call(token, 'POST', '/me/media', resumable)).status).toBe(400);
    expect(await get(token, '/me')).toMatchObject({ status: 400, body: { error: { code: 190 } } });
    await media.close();
  });

  it('exchanges codes by form, and rejects them in a flat body', async () => {
    const code = await login().approve();
    const { body, text } = await login().exchange(code);
    expect(body).toMatchObject({ permissions: expect.arrayContaining(['instagram_business_basic']) });
    expect(text).toMatch(/"user_id":\d{17},/);
    expect((await login().exchange(code)).body).toEqual({
      error_type: 'OAuthException',
      code: 400,
      error_message: 'Matching code was not found or was already used',
    });
    const verb = await fetch(`${sandbox.url}/instagram-api/oauth/access_token?code=x`);
    expect(await verb.text()).toContain('Unsupported request - method type: get');
    await setOptions({ loginTokenShape: 'wrapped', loginUserIdType: 'string', loginUserId: 'professional' });
    expect((await login().exchange(await login().approve())).body).toMatchObject({
      data: [{ permissions: expect.stringContaining('instagram_business_basic,') }],
    });
    const other = createInstagramLoginClient(sandbox.url, { ...loginApp, appId: app.appId });
    await consent({});
    await expect(other.visit(other.authorizeUrl())).rejects.toThrow('Invalid platform app');
  });

  it('refreshes after a day, and answers "wrong verb" for invalid tokens', async () => {
    const { token } = await login().connect();
    const refused = { status: 400, body: { error: { code: 100, type: 'IGApiException' } } };
    expect(await login().refresh(token)).toMatchObject(refused);
    await advance(DAY_MS);
    const next = await login().refresh(token);
    expect(next.body).toMatchObject({ expires_in: 5_183_944, permissions: expect.any(String) });
    expect(await login().refresh(token)).toMatchObject(refused);
    await advance(5_183_944_000);
    expect(await login().refresh(parse(Token, next.body).access_token)).toMatchObject(refused);
  });
});

const comment = async () => {
  const { id } = parse(Id, await client.control('POST', '/instagram/media', { caption: 'x' }));
  await client.control('POST', '/instagram/comments', { mediaId: id, text: 'schön/gut' });
  return id;
};

async function subscribe(): Promise<{ pageToken: string; pageId: string; igId: string }> {
  const connected = await client.connect();
  const { pageToken, pageId } = connected;
  const fields = { subscribed_fields: 'comments,mentions' };
  expect((await client.call(pageToken, 'POST', `/${pageId}/subscribed_apps`, fields)).body).toEqual({
    success: true,
  });
  return connected;
}

describe('webhooks', () => {
  it('come only after subscribing the page, signed, with escapes', async () => {
    const { userToken, pageId, pageToken } = await client.connect();
    await comment();
    expect(await client.control('GET', '/instagram/deliveries')).toEqual([]);
    const fields = { subscribed_fields: 'comments' };
    expect((await client.call(userToken, 'POST', `/${pageId}/subscribed_apps`, fields)).status).toBe(400);
    const { igId } = await subscribe();
    expect((await get(pageToken, `/${pageId}/subscribed_apps`)).body).toMatchObject({
      data: [{ subscribed_fields: ['comments', 'mentions'] }],
    });
    const mediaId = await comment();
    await receiver.arrive(1);
    const { body, headers } = receiver.received[0] ?? { body: '', headers: {} };
    expect(receiver.handshakes).toBe(1);
    expect(body).toContain(String.raw`sch\u00f6n\/gut`);
    const sign = (algorithm: string) => createHmac(algorithm, app.appSecret).update(body).digest('hex');
    expect(headers).toMatchObject({
      'x-hub-signature': `sha1=${sign('sha1')}`,
      'x-hub-signature-256': `sha256=${sign('sha256')}`,
    });
    const { entry } = parse(
      Type.Object({ entry: Type.Array(Type.Object({ time: Type.Integer() })) }),
      JSON.parse(body),
    );
    expect(entry).toMatchObject([
      { id: igId, changes: [{ field: 'comments', value: { text: 'schön/gut', media: { id: mediaId } } }] },
    ]);
    expect(Math.abs((entry[0]?.time ?? 0) - Date.now() / 1_000)).toBeLessThan(5);
    await client.call(pageToken, 'DELETE', `/${pageId}/subscribed_apps`);
    await comment();
    expect(await client.control('GET', '/instagram/deliveries')).toHaveLength(1);
  });

  it('have the known shapes', async () => {
    await subscribe();
    await setOptions({ webhookShape: 'bare', commentIdName: 'comment_id' });
    await comment();
    await receiver.arrive(1);
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({
      entry: [{ field: 'comments', value: { comment_id: expect.any(String) } }],
    });
    await setOptions({ webhookShape: 'array' });
    await client.control('POST', '/instagram/mention', {});
    await receiver.arrive(2);
    expect(JSON.parse(receiver.received[1]?.body ?? '')).toMatchObject([
      { entry: [{ changes: [{ field: 'mentions', value: { media_id: expect.any(String) } }] }] },
    ]);
  });

  it('are repeated with a new time, in batches, late, and forged', async () => {
    await client.control('POST', '/webhooks', { duplicate: 1 });
    const change = { field: 'comments', value: { id: '1' } };
    const batch = [{ ...change, value: { id: '2' }, entryId: '0' }];
    await client.control('POST', '/instagram/webhooks/send', { ...change, batch, secret: 'wrong', time: 7 });
    await receiver.arrive(2);
    const bodies = receiver.received.map(({ body }) => JSON.parse(body));
    expect(bodies).toMatchObject([
      { entry: [{ time: 7 }, { id: '0', time: 7, changes: [{ value: { id: '2' } }] }] },
      { entry: [{ time: 8 }, { id: '0', time: 8 }] },
    ]);
    const { body, headers } = receiver.received[0] ?? { body: '', headers: {} };
    const hex = createHmac('sha256', 'wrong').update(body).digest('hex');
    expect(headers).toMatchObject({ 'x-hub-signature-256': `sha256=${hex}` });
    await client.control('POST', '/instagram/message', { event: { message: { mid: 'm1', text: 'hi' } } });
    await receiver.arrive(3);
    expect(JSON.parse(receiver.received[2]?.body ?? '')).toMatchObject({
      entry: [{ time: expect.any(Number), messaging: [{ message: { mid: 'm1' } }] }],
    });
  });

  it('are retried for 36 hours', async () => {
    await client.control('POST', '/webhooks', { retryBaseMs: 35 * 3_600_000, retryCapMs: 35 * 3_600_000 });
    receiver.statuses.push(500, 500);
    await client.control('POST', '/instagram/webhooks/send', { field: 'comments', value: { id: '1' } });
    await receiver.arrive(1);
    await vi.waitFor(() => expect(sandbox.core.jobs.waiting).toBe(1));
    await advance(35 * 3_600_000);
    await receiver.arrive(2);
    await vi.waitFor(async () =>
      expect(await client.control('GET', '/instagram/deliveries')).toMatchObject([{ state: 'gave_up' }]),
    );
  });

  it('of Instagram Login are signed with its own secret, or the other one', async () => {
    const other = createInstagramLoginClient(sandbox.url, loginApp);
    const { token } = await other.connect();
    const wrong = { subscribed_fields: 'comments,mentions' };
    expect((await other.call(token, 'POST', '/me/subscribed_apps', wrong)).status).toBe(400);
    const fields = { subscribed_fields: 'comments' };
    expect((await other.call(token, 'POST', '/me/subscribed_apps', fields)).body).toEqual({ success: true });
    await comment();
    await receiver.arrive(1);
    await setOptions({ loginSigner: 'app' });
    await client.control('POST', '/instagram/mention', {});
    await comment();
    await receiver.arrive(2);
    for (const [index, secret] of [loginApp.appSecret, app.appSecret].entries()) {
      const { body, headers } = receiver.received[index] ?? { body: '', headers: {} };
      const hex = createHmac('sha256', secret).update(body).digest('hex');
      expect(headers).toMatchObject({ 'x-hub-signature-256': `sha256=${hex}` });
    }
  });

  it('can be redirected by the app, after a handshake', async () => {
    const change = (verify_token: string) =>
      client.call(APP_TOKEN, 'POST', `/${app.appId}/subscriptions`, {
        object: 'instagram',
        callback_url: receiver.url,
        fields: 'mentions',
        verify_token,
      });
    expect(await change('wrong')).toMatchObject({ status: 400, body: { error: { code: 2_200 } } });
    expect((await change('verify me')).body).toEqual({ success: true });
    await subscribe();
    await comment();
    await client.control('POST', '/instagram/mention', {});
    await receiver.arrive(1);
    expect(receiver.received[0]?.body).toContain('"field":"mentions"');
  });
});

describe('callbacks', () => {
  it('carry a signed request, and their answer is recorded', async () => {
    receiver.answer('/hook/delete', '{"url":"https://app.example/s?c=1"}');
    await client.connect();
    await client.control('POST', '/instagram/data-deletion', {});
    await client.control('POST', '/instagram/deauthorize', { secret: 'wrong', userId: '7' });
    await receiver.arrive(2);
    const sent = receiver.received.map(({ path, headers }) => `${path} ${headers['content-type']}`);
    expect(new Set(sent)).toEqual(
      new Set([
        '/hook/deauthorize application/x-www-form-urlencoded',
        '/hook/delete application/x-www-form-urlencoded',
      ]),
    );
    const index = receiver.received.findIndex(({ path }) => path === '/hook/delete');
    const [signature, payload] = receiver.signedRequest(index);
    expect(signature).toBe(createHmac('sha256', app.appSecret).update(payload).digest('base64url'));
    const [user] = parse(Type.Array(Id), await client.control('GET', '/instagram/users'));
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ user_id: user?.id });
    await vi.waitFor(async () =>
      expect(await client.control('GET', '/instagram/callbacks')).toMatchObject([
        { event: 'data_deletion', state: 'delivered', problem: expect.stringContaining('confirmation_code') },
        { event: 'deauthorize', state: 'delivered' },
      ]),
    );
  });
});

it('finds everything again after a restart', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sandbox-'));
  await sandbox.close();
  sandbox = await start(dir);
  client = createInstagramClient(sandbox.url, app);
  const media = await serveMedia();
  await setOptions({ processingMs: 60_000 });
  const { pageToken, igId } = await client.connect();
  const image_url = media.serve('/a.jpg', jpeg());
  const { id } = await client.ask(Id, pageToken, 'POST', `/${igId}/media`, { image_url });
  await sandbox.close();
  sandbox = await start(dir);
  client = createInstagramClient(sandbox.url, app);
  await advance(60_000);
  expect((await get(pageToken, `/${id}`, { fields: 'status_code' })).body).toEqual({
    id,
    status_code: 'FINISHED',
  });
  expect((await client.call(pageToken, 'POST', `/${igId}/media_publish`, { creation_id: id })).status).toBe(
    200,
  );
  await media.close();
  await sandbox.close();
  sandbox = await start();
  await rm(dir, { recursive: true });
});
