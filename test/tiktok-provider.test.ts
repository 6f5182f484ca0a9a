import { createHash, createHmac, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ProviderError, type ProviderErrorKind } from '../providers/errors.ts';
import type { PostContext, Verdict } from '../providers/publishing.ts';
import type { TikTokSettings } from '../providers/tiktok/client.ts';
import { ERROR_CODES, FAIL_REASONS } from '../providers/tiktok/errors.ts';
import { createTikTok, type TikTok } from '../providers/tiktok/index.ts';
import { isUploadUrl } from '../providers/tiktok/publish.ts';
import type { TikTokRequest } from '../providers/tiktok/request.ts';
import { checkRequest } from '../providers/tiktok/rules.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createTestClient, type TestClient } from '../sandbox/testing/client.ts';
import { ownPort } from './ports.ts';
import { until, type Json } from './world.ts';

/* The provider alone, over real HTTP against the sandbox. */

const DESKTOP = 'http://127.0.0.1:3999/api/auth/tiktok/callback';
const WEB = 'https://posts.example.com/api/auth/tiktok/callback';
const app = { clientKey: 'ck', clientSecret: 'cs', redirectUri: DESKTOP };
/** No rate limit and no waiting, which these tests are not about. */
const OPTIONS = {
  processingMs: 0,
  moderationMs: 0,
  dailyPostCap: 100_000,
  limits: { 'video.init': 100_000, 'inbox.init': 100_000, creator_info: 100_000, status: 100_000 },
};

let sandbox: Sandbox;
let client: TestClient;
let tiktok: TikTok;
let accessToken: string;

beforeAll(async () => {
  sandbox = await startSandbox({ tiktok: { ...app, redirectUris: [DESKTOP, WEB] } });
  client = createTestClient(sandbox.url, app);
  await options(OPTIONS);
  tiktok = createTikTok(settings());
  ({ accessToken } = await client.connect());
});
afterAll(() => sandbox?.close());
beforeEach(async () => {
  await client.control('DELETE', '/faults');
  await client.control('DELETE', '/requests');
});

const settings = (changes: Partial<TikTokSettings> = {}): TikTokSettings => ({
  ...app,
  webhookSecrets: ['new-secret', 'old-secret'],
  authUrl: sandbox.url,
  apiUrl: sandbox.url,
  uploadHosts: [new URL(sandbox.url).host],
  audited: true,
  ...changes,
});
/** How files go to TikTok. */
function transfer() {
  const way = tiktok.publishing.transfer;
  if (way === undefined) throw new Error('files go to TikTok');
  return way;
}
const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const fault = (spec: Record<string, unknown>): Promise<unknown> => client.control('POST', '/faults', spec);
const options = (changes: object): Promise<unknown> => client.control('POST', '/tiktok/options', changes);
const requests = async (endpoint: string): Promise<Json[]> => {
  const answer: Json = await client.control('GET', `/requests?endpoint=${endpoint}`);
  return answer.requests ?? answer;
};

const DIRECT: TikTokRequest = {
  source: 'FILE_UPLOAD',
  mode: 'direct',
  postInfo: { title: 'a title', privacy_level: 'PUBLIC_TO_EVERYONE' },
};
const context = (changes: Partial<PostContext> = {}): PostContext => ({
  openId: 'unused',
  username: 'sandbox_creator',
  scopes: [],
  accessToken,
  media: { size: 10, contentType: 'video/mp4', durationMs: 4000 },
  files: {},
  mediaUrl: (id) => id,
  made: {},
  parts: {},
  sendsFile: true,
  publishId: null,
  signal: soon(),
  ...changes,
});

/** The error of a call that must fail. It must never contain a token. */
async function refusal(call: Promise<unknown> | undefined): Promise<ProviderError> {
  const error: unknown = await call?.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderError)) throw error;
  const shown = JSON.stringify([error.message, error.userMessage, error.details]);
  expect(shown).not.toMatch(/act\.|rft\.|upload_token/);
  return error;
}

const write = (provider = tiktok) => provider.publishing.of(DIRECT).write('init', context());
const read = (provider = tiktok) => provider.creatorInfo(accessToken, soon());

const verifier = (): string => randomBytes(32).toString('base64url');
/** The code of a creator who approves on the real consent page. */
async function approve(provider: TikTok, codeVerifier: string): Promise<string> {
  await client.control('POST', '/consent', { decision: 'approve' });
  const callback = await client.visit(provider.oauth.authorizeUrl({ state: 'a state', codeVerifier }));
  return callback.searchParams.get('code') ?? '';
}

describe('consent', () => {
  test('with a loopback redirect uses PKCE, its challenge in hex', () => {
    const codeVerifier = verifier();
    const url = new URL(tiktok.oauth.authorizeUrl({ state: 'a state/+&', codeVerifier }));
    expect(url.origin + url.pathname).toBe(`${sandbox.url}/v2/auth/authorize/`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_key: 'ck',
      response_type: 'code',
      scope: 'user.info.basic,video.upload,video.publish',
      redirect_uri: DESKTOP,
      state: 'a state/+&',
      code_challenge: createHash('sha256').update(codeVerifier).digest('hex'),
      code_challenge_method: 'S256',
    });
  });

  test('on the web uses no PKCE, and always shows the page', () => {
    const { oauth } = createTikTok(settings({ redirectUri: WEB }));
    const { searchParams } = new URL(oauth.authorizeUrl({ state: 's', codeVerifier: verifier() }));
    expect(searchParams.get('redirect_uri')).toBe(WEB);
    expect(searchParams.get('disable_auto_auth')).toBe('1');
    expect([...searchParams.keys()].filter((name) => name.startsWith('code_'))).toEqual([]);
  });

  test.each([DESKTOP, WEB])('a code becomes an account and its tokens (%s)', async (redirectUri) => {
    const provider = createTikTok(settings({ redirectUri }));
    const codeVerifier = verifier();
    const code = await approve(provider, codeVerifier);
    const { scopes, grants } = await provider.oauth.exchangeCode(code, codeVerifier, soon());
    expect(grants.map(({ tokens }) => tokens.scopes)).toEqual([scopes]);
    expect(grants).toEqual([
      {
        openId: expect.any(String),
        username: 'sandbox_creator',
        displayName: expect.any(String),
        metadata: { unionId: expect.any(String) },
        used: [expect.objectContaining({ bucket: 'creator_info' })],
        tokens: {
          accessToken: expect.stringMatching(/^act\./),
          refreshToken: expect.stringMatching(/^rft\./),
          expiresIn: 7200,
          refreshExpiresIn: 15_552_000,
          scopes: ['user.info.basic', 'video.upload', 'video.publish'],
        },
      },
    ]);
    const [sent] = await requests('oauth.token');
    expect(Object.hasOwn(sent.body, 'code_verifier')).toBe(redirectUri === DESKTOP);
  });

  test('only fields of granted scopes are requested', async () => {
    const codeVerifier = verifier();
    const scopes = ['user.info.basic', 'video.publish'];
    await client.control('POST', '/consent', { decision: 'approve', scopes });
    const callback = await client.visit(tiktok.oauth.authorizeUrl({ state: 's', codeVerifier }));
    const code = callback.searchParams.get('code') ?? '';
    const {
      grants: [grant],
    } = await tiktok.oauth.exchangeCode(code, codeVerifier, soon());
    expect(grant?.tokens.scopes).toEqual(scopes);
    const [asked] = await requests('user.info');
    expect(new URL(asked.path, sandbox.url).searchParams.get('fields')?.split(',')).not.toContain('username');
    // The username comes from creator info.
    expect(grant).toMatchObject({ username: 'sandbox_creator', displayName: expect.any(String) });
  });

  test('an account is connected even without a name', async () => {
    const codeVerifier = verifier();
    const code = await approve(tiktok, codeVerifier);
    for (const endpoint of ['user.info', 'creator_info']) await fault({ endpoint, kind: 'html' });
    const {
      grants: [grant],
    } = await tiktok.oauth.exchangeCode(code, codeVerifier, soon());
    expect(grant).toMatchObject({ username: null, displayName: null });
    expect(grant?.tokens.accessToken).toMatch(/^act\./);
  });

  test.each([400, 200])('a code that is refused with HTTP %d', async (oauthErrorStatus) => {
    await options({ oauthErrorStatus });
    const error = await refusal(tiktok.oauth.exchangeCode('an-old-code', verifier(), soon()));
    expect(error).toMatchObject({ kind: 'grant', code: 'grant_refused', providerCode: 'invalid_grant' });
    expect(error.providerMessage).toBe('Authorization code is expired.');
    expect(error.logId).toMatch(/^\d{14}/);
  });
});

describe('refresh', () => {
  test('returns a new pair, and the old refresh token is refused', async () => {
    const { refreshToken } = await client.connect();
    const tokens = await tiktok.oauth.refresh?.(refreshToken, soon());
    expect(tokens?.accessToken).toMatch(/^act\./);
    expect(tokens?.refreshToken).toMatch(/^rft\./);
    expect(tokens?.refreshToken).not.toBe(refreshToken);
    expect(await refusal(tiktok.oauth.refresh?.(refreshToken, soon()))).toMatchObject({ kind: 'grant' });
  });

  test('says so if the answer has no refresh token', async () => {
    await options({ rotateRefreshToken: false, omitRefreshToken: true });
    const { refreshToken } = await client.connect();
    expect(await tiktok.oauth.refresh?.(refreshToken, soon())).toMatchObject({
      accessToken: expect.stringMatching(/^act\./),
      refreshToken: null,
    });
    await options({ rotateRefreshToken: true, omitRefreshToken: false });
  });

  test.each<[number, string, ProviderErrorKind, string]>(
    [400, 200].flatMap((http): [number, string, ProviderErrorKind, string][] => [
      [http, 'invalid_grant', 'grant', 'grant_refused'],
      [http, 'access_denied', 'grant', 'grant_refused'],
      [http, 'invalid_client', 'unavailable', 'provider_configuration'],
      [http, 'unauthorized_client', 'unavailable', 'provider_configuration'],
      [http, 'invalid_request', 'unavailable', 'provider_configuration'],
      [http, 'invalid_scope', 'unavailable', 'provider_configuration'],
      [http, 'unsupported_grant_type', 'unavailable', 'provider_configuration'],
      [http, 'server_error', 'unavailable', 'provider_unavailable'],
      [http, 'temporarily_unavailable', 'unavailable', 'provider_unavailable'],
    ]),
  )('HTTP %d with %s is %s (%s)', async (http, code, kind, ours) => {
    await fault({ endpoint: 'oauth.token', kind: 'status', http, code });
    const error = await refusal(tiktok.oauth.refresh?.('rft.x', soon()));
    expect(error).toMatchObject({ kind, code: ours, providerCode: code });
  });

  test.each<[string, object]>([
    ['a 500 that calls itself invalid_grant', { kind: 'status', http: 500, code: 'invalid_grant' }],
    ['HTML', { kind: 'html', http: 200 }],
    ['half an answer', { kind: 'truncated' }],
    ['a dropped connection', { kind: 'accept-then-drop' }],
    ['a 500', { kind: 'accept-then-500' }],
    ['an empty object', { kind: 'status', http: 200, body: '{}' }],
    [
      'an error beside a token',
      { kind: 'status', http: 200, body: '{"access_token":"act.x","error":"server_error"}' },
    ],
  ])('is retried after %s', async (_what, spec) => {
    const { refreshToken } = await client.connect();
    await fault({ endpoint: 'oauth.token', ...spec });
    expect(await refusal(tiktok.oauth.refresh?.(refreshToken, soon()))).toMatchObject({
      kind: 'unavailable',
    });
  });
});

describe('revoke', () => {
  test('ends the access, and a dead token is no error', async () => {
    await client.control('POST', '/tiktok/creators', { username: 'leaving' });
    const leaving = await client.connect('leaving');
    await tiktok.oauth.revoke(leaving.accessToken, soon());
    expect(await refusal(tiktok.creatorInfo(leaving.accessToken, soon()))).toMatchObject({ kind: 'token' });
    await expect(tiktok.oauth.revoke(leaving.accessToken, soon())).resolves.toBeUndefined();
  });

  test.each<[string, object]>([
    ['a 500', { kind: 'accept-then-500' }],
    ['server_error with HTTP 200', { kind: 'status', http: 200, code: 'server_error' }],
    ['a dropped connection', { kind: 'drop-before' }],
  ])('is retried after %s', async (_what, spec) => {
    await fault({ endpoint: 'oauth.revoke', ...spec });
    expect(await refusal(tiktok.oauth.revoke('act.x', soon()))).toMatchObject({ kind: 'unavailable' });
  });
});

describe('an error code', () => {
  const TABLE: readonly [code: string, http: number, kind: ProviderErrorKind][] = [
    ['access_token_invalid', 401, 'token'],
    ['scope_not_authorized', 401, 'account'],
    ['scope_permission_missed', 400, 'account'],
    ['invalid_params', 400, 'rejected'],
    ['invalid_param', 400, 'rejected'],
    ['invalid_file_upload', 400, 'rejected'],
    ['app_version_check_failed', 400, 'rejected'],
    ['invalid_publish_id', 400, 'rejected'],
    ['token_not_authorized_for_specified_publish_id', 400, 'rejected'],
    ['publish_not_cancellable', 400, 'rejected'],
    ['spam_risk_too_many_posts', 403, 'quota'],
    ['spam_risk_user_banned_from_posting', 403, 'rejected'],
    ['spam_risk_too_many_pending_share', 403, 'quota'],
    ['reached_active_user_cap', 403, 'quota'],
    ['unaudited_client_can_only_post_to_private_accounts', 403, 'rejected'],
    ['url_ownership_unverified', 403, 'rejected'],
    ['privacy_level_option_mismatch', 403, 'rejected'],
    ['rate_limit_exceeded', 429, 'quota'],
  ];

  test('is in this table if the catalogue has it', () => {
    expect(TABLE.map(([code]) => code).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });

  test('that asks to wait has a time', () => {
    const quotas = TABLE.flatMap(([code, , kind]) => (kind === 'quota' ? [code] : []));
    expect(quotas.map((code) => ERROR_CODES[code]?.retryAfterMs)).toEqual(
      quotas.map(() => expect.any(Number)),
    );
  });

  test.each(TABLE)('%s with HTTP %d is %s, for a write and for a read', async (code, http, kind) => {
    await fault({ endpoint: '*', kind: 'status', http, code, message: 'their words', times: 2 });
    const expected = {
      kind,
      code,
      providerCode: code,
      providerMessage: 'their words',
      logId: expect.stringMatching(/^\d{14}/),
      retryAfterMs: ERROR_CODES[code]?.retryAfterMs,
      userMessage: ERROR_CODES[code]?.userMessage,
    };
    expect(await refusal(write())).toMatchObject(expected);
    expect(await refusal(read())).toMatchObject(expected);
  });

  test.each(['spam_risk_too_many_posts', 'spam_risk_user_banned_from_posting', 'reached_active_user_cap'])(
    '%s counts with HTTP 200 too',
    async (code) => {
      await fault({ endpoint: 'creator_info', kind: 'status', http: 200, code });
      expect(await refusal(read())).toMatchObject({ kind: ERROR_CODES[code]?.kind, code });
    },
  );

  test.each<[number, ProviderErrorKind]>([
    [400, 'rejected'],
    [403, 'rejected'],
    [200, 'rejected'],
    [401, 'token'],
    [429, 'quota'],
  ])('that is unknown is stored and shown; with HTTP %d it is %s', async (http, kind) => {
    await fault({ endpoint: 'video.init', kind: 'status', http, code: 'brand_new_code', message: 'new' });
    const error = await refusal(write());
    expect(error).toMatchObject({ kind, providerCode: 'brand_new_code', providerMessage: 'new' });
    expect(error.details['providerCode']).toBe('brand_new_code');
    expect(error.message + error.userMessage).toContain(http === 429 ? '429' : 'brand_new_code');
  });

  test('is read with either name of the log id', async () => {
    const body = { error: { code: 'invalid_params', message: '', logid: '2026-log' } };
    await fault({ endpoint: 'video.init', kind: 'status', http: 400, body: JSON.stringify(body) });
    expect(await refusal(write())).toMatchObject({ kind: 'rejected', logId: '2026-log' });
  });

  test('waits as long as Retry-After says', async () => {
    const headers = { 'retry-after': '7' };
    await fault({ endpoint: 'video.init', kind: 'status', http: 429, code: 'rate_limit_exceeded', headers });
    expect(await refusal(write())).toMatchObject({ kind: 'quota', retryAfterMs: 7000 });
  });
});

describe('an unclear answer', () => {
  test.each<[string, object]>([
    ['HTML with 502', { kind: 'html', http: 502 }],
    ['HTML with 200', { kind: 'html', http: 200 }],
    ['half of the JSON', { kind: 'truncated' }],
    ['500 in words', { kind: 'accept-then-500' }],
    ['internal_error with 500', { kind: 'status', http: 500, code: 'internal_error' }],
    ['internal_error with 400', { kind: 'status', http: 400, code: 'internal_error' }],
    ['a 503 with a known code', { kind: 'status', http: 503, code: 'invalid_params' }],
    ['ok with 502', { kind: 'status', http: 502, code: 'ok' }],
    ['JSON without a code', { kind: 'status', http: 200, body: '{"data":{}}' }],
    ['nothing, after the work', { kind: 'accept-then-drop' }],
    ['a reset', { kind: 'drop-before' }],
  ])('(%s) is unknown for a write and retried for a read', async (_what, spec) => {
    await fault({ endpoint: '*', times: 2, ...spec });
    expect(await refusal(write())).toMatchObject({ kind: 'unknown', code: 'outcome_unknown' });
    expect(await refusal(read())).toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
  });

  test('because nobody listens: nothing happened, both are retried', async () => {
    const provider = createTikTok(settings({ apiUrl: `http://127.0.0.1:${await ownPort()}` }));
    expect(await refusal(write(provider))).toMatchObject({ kind: 'unavailable' });
    expect(await refusal(read(provider))).toMatchObject({ kind: 'unavailable' });
    expect(await refusal(provider.oauth.refresh?.('rft.x', soon()))).toMatchObject({ kind: 'unavailable' });
  });
});

describe('init', () => {
  test.each([
    [10, 10, 1],
    [94_000_000, 10_000_000, 9],
  ])('of %d bytes declares chunks of %d, %d of them', async (size, chunkSize, count) => {
    const media = { size, contentType: 'video/mp4', durationMs: 4000 };
    const written = await tiktok.publishing.of(DIRECT).write('init', context({ media }));
    expect(written).toMatchObject({
      publishId: expect.any(String),
      secret: expect.stringContaining('upload_token='),
      logId: expect.any(String),
    });
    const [sent] = await requests('video.init');
    expect(sent.body).toEqual({
      post_info: { brand_content_toggle: false, brand_organic_toggle: false, ...DIRECT.postInfo },
      source_info: {
        source: 'FILE_UPLOAD',
        video_size: size,
        chunk_size: chunkSize,
        total_chunk_count: count,
      },
    });
  });

  test('of a draft sends no post_info', async () => {
    const request = { ...DIRECT, mode: 'inbox', postInfo: { title: 'ours' } };
    await tiktok.publishing.of(request).write('init', context());
    const [sent] = await requests('inbox.init');
    expect(Object.keys(sent.body)).toEqual(['source_info']);
  });

  test('refuses an upload host that is not allowed', async () => {
    const provider = createTikTok(settings({ uploadHosts: ['*.tiktokapis.com'] }));
    expect(await refusal(write(provider))).toMatchObject({ kind: 'rejected', code: 'upload_host_refused' });
  });

  test.each(['{}', '{"publish_id":"p"}', '{"upload_url":"https://a.tiktokapis.com/"}'])(
    'accepted with %s has an unknown outcome',
    async (data) => {
      const body = `{"data":${data},"error":{"code":"ok"}}`;
      await fault({ endpoint: 'video.init', kind: 'status', http: 200, body });
      expect(await refusal(write())).toMatchObject({ kind: 'unknown' });
    },
  );
});

/** A file of ten bytes on its way. */
const ten = (secret: string) => ({ size: 10, contentType: 'video/mp4', durationMs: 4000, secret });
/** Of it, from its first byte on. */
const part = (length = 10) => ({ first: 0, last: length - 1, body: Readable.from([Buffer.alloc(length)]) });

/** Uploads ten bytes. @returns the publish id */
async function publishTen(request = DIRECT): Promise<string> {
  const { publishId = '', secret = '' } = await tiktok.publishing.of(request).write('init', context());
  expect(await transfer().sendChunk(context({ publishId }), ten(secret), part())).toEqual({
    kind: 'complete',
  });
  return publishId;
}

const decided = (publishId: string, wanted: (verdict: Verdict) => boolean): Promise<Verdict> =>
  until('the verdict', async () => {
    const verdict = await tiktok.publishing.of(DIRECT).verdict('verdict', context({ publishId }));
    return wanted(verdict) ? verdict : null;
  });

describe('a chunk', () => {
  test.each([
    [206, 'stored'],
    [200, 'complete'],
    [201, 'complete'],
    [416, 'out_of_step'],
    [403, 'expired'],
    [404, 'expired'],
  ])('answered with %d is %s', async (http, outcome) => {
    const { secret = '' } = await write();
    await fault({ endpoint: 'upload', kind: 'status', http });
    expect(await transfer().sendChunk(context(), ten(secret), part())).toEqual({ kind: outcome });
  });

  test('in the middle answered with 200 is not the last one', async () => {
    const { secret = '' } = await write();
    await fault({ endpoint: 'upload', kind: 'status', http: 200 });
    expect(await transfer().sendChunk(context(), ten(secret), part(5))).toEqual({ kind: 'stored' });
  });

  test.each([
    ['bytes 0-4/10', { bytes: 4 }],
    ['bytes 0-10/10', { bytes: 10 }],
    ['bytes */10', {}],
  ])('out of step, with the answer %j: %j', async (range, where) => {
    const { secret = '' } = await write();
    await fault({ endpoint: 'upload', kind: 'status', http: 416, headers: { 'content-range': range } });
    expect(await transfer().sendChunk(context(), ten(secret), part())).toEqual({
      kind: 'out_of_step',
      ...where,
    });
  });

  test.each<[object, ProviderErrorKind]>([
    [{ kind: 'status', http: 400 }, 'rejected'],
    [{ kind: 'status', http: 302 }, 'rejected'],
    [{ kind: 'status', http: 408 }, 'unavailable'],
    [{ kind: 'status', http: 429 }, 'unavailable'],
    [{ kind: 'status', http: 502 }, 'unavailable'],
    [{ kind: 'drop-mid', afterBytes: 5 }, 'unavailable'],
    [{ kind: 'accept-then-drop' }, 'unavailable'],
  ])('that meets %j is %s', async (spec, kind) => {
    const { secret = '' } = await write();
    await fault({ endpoint: 'upload', ...spec });
    expect(await refusal(transfer().sendChunk(context(), ten(secret), part()))).toMatchObject({ kind });
  });
});

describe('the number of received bytes', () => {
  test.each([
    [{ status: 'PROCESSING_UPLOAD', uploaded_bytes: 4 }, 4],
    [{ status: 'PROCESSING_UPLOAD', uploaded_bytes: 0 }, 0],
    [{ status: 'PROCESSING_UPLOAD' }, null],
    [{ status: 'PUBLISH_COMPLETE' }, 10],
  ])('is read from %j', async (data, bytes) => {
    const body = JSON.stringify({ data, error: { code: 'ok' } });
    await fault({ endpoint: 'status', kind: 'status', http: 200, body });
    const received = await transfer().received(context({ publishId: 'p' }), ten('unused'));
    expect(received).toEqual(bytes === null ? null : { bytes });
  });
});

describe('a verdict', () => {
  test.each(Object.keys(FAIL_REASONS))('of %s is a failure', async (reason) => {
    await client.control('POST', '/tiktok/fail-next', { reason });
    const verdict = await decided(await publishTen(), ({ kind }) => kind !== 'pending');
    expect(verdict).toMatchObject({
      kind: 'failed',
      status: 'FAILED',
      error: {
        kind: ['internal', 'video_pull_failed', 'photo_pull_failed'].includes(reason)
          ? 'unavailable'
          : 'rejected',
        code: reason,
        providerCode: reason,
        userMessage: FAIL_REASONS[reason]?.userMessage,
      },
    });
  });

  test('with an unknown reason is a failure that shows it', async () => {
    await client.control('POST', '/tiktok/fail-next', { reason: 'brand_new_reason' });
    const verdict = await decided(await publishTen(), ({ kind }) => kind !== 'pending');
    expect(verdict).toMatchObject({
      kind: 'failed',
      error: { kind: 'rejected', code: 'provider_failed', providerCode: 'brand_new_reason' },
    });
  });

  test.each(['array', 'scalar'])('keeps every digit of the post id (%s)', async (postIdShape) => {
    await options({ postIdShape });
    const publishId = await publishTen();
    const verdict = await decided(
      publishId,
      (now) => now.kind === 'published' && now.providerPostId !== null,
    );
    const answer: Json = await client.control('GET', '/tiktok/publishes');
    const made = (answer.publishes ?? answer).find((row: Json) => row.id === publishId);
    expect(Number(made.postId)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
    expect(verdict).toMatchObject({ kind: 'published', providerPostId: made.postId });
  });

  test.each([
    ['[7654132326040947989]', '7654132326040947989'],
    ['7654132326040947989', '7654132326040947989'],
    ['["7654132326040947989"]', '7654132326040947989'],
    ['[12,13]', '12'],
    ['[]', null],
    ['null', null],
    ['""', null],
    ['[{}]', null],
  ])('reads the post id %s as %s', async (id, expected) => {
    const body = `{"data":{"status":"PUBLISH_COMPLETE","publicaly_available_post_id":${id}},"error":{"code":"ok"}}`;
    await fault({ endpoint: 'status', kind: 'status', http: 200, body });
    expect(await tiktok.publishing.of(DIRECT).verdict('verdict', context({ publishId: 'p' }))).toEqual({
      kind: 'published',
      status: 'PUBLISH_COMPLETE',
      providerPostId: expected,
    });
  });

  test.each<['direct' | 'inbox', string, Verdict['kind']]>([
    ['direct', 'PROCESSING_UPLOAD', 'pending'],
    ['direct', 'PROCESSING_DOWNLOAD', 'pending'],
    ['direct', 'SEND_TO_USER_INBOX', 'pending'],
    ['inbox', 'SEND_TO_USER_INBOX', 'delivered'],
    ['inbox', 'PUBLISH_COMPLETE', 'published'],
    ['direct', 'BRAND_NEW_STATUS', 'pending'],
  ])('in mode %s, status %s is %s', async (mode, status, kind) => {
    const body = JSON.stringify({ data: { status }, error: { code: 'ok' } });
    await fault({ endpoint: 'status', kind: 'status', http: 200, body });
    const request = { ...DIRECT, mode };
    expect(await tiktok.publishing.of(request).verdict('verdict', context({ publishId: 'p' }))).toMatchObject(
      {
        kind,
        status,
      },
    );
  });
});

describe('an upload URL', () => {
  const HOSTS = ['*.tiktokapis.com', 'upload.example.com:8443', '127.0.0.1:4010'];
  test.each([
    ['https://open-upload-va.tiktokapis.com/upload?upload_id=1', true],
    ['https://a.b.tiktokapis.com/', true],
    ['https://OPEN-UPLOAD.TikTokAPIs.com/', true],
    ['https://upload.example.com:8443/', true],
    ['http://127.0.0.1:4010/upload/', true],
    ['https://127.0.0.1:4010/upload/', true],
    // The domain itself is not a subdomain, and a suffix is not enough.
    ['https://tiktokapis.com/', false],
    ['https://evil-tiktokapis.com/', false],
    ['https://open-upload.tiktokapis.com.evil.com/', false],
    ['https://evil.com/open-upload.tiktokapis.com', false],
    ['https://evil.com#.tiktokapis.com', false],
    // Ports and protocols.
    ['https://upload.example.com/', false],
    ['https://upload.example.com:443/', false],
    ['http://127.0.0.1:4011/upload/', false],
    ['http://127.0.0.1/upload/', false],
    ['http://open-upload.tiktokapis.com/', false],
    ['ftp://open-upload.tiktokapis.com/', false],
    ['file:///etc/passwd', false],
    // Credentials, which may also hide the host.
    ['https://user@open-upload.tiktokapis.com/', false],
    ['https://:pw@open-upload.tiktokapis.com/', false],
    ['https://open-upload.tiktokapis.com@evil.com/', false],
    ['not a url', false],
    ['', false],
  ])('%j is allowed: %s', (url, allowed) => {
    expect(isUploadUrl(url, HOSTS)).toBe(allowed);
  });

  test('is refused if no host is allowed', () => {
    expect(isUploadUrl('https://open-upload.tiktokapis.com/', [])).toBe(false);
  });
});

/** The body of a webhook request. */
const event = (eventType: string, content: object, more: object = {}): string =>
  JSON.stringify({
    client_key: 'ck',
    event: eventType,
    create_time: 1_770_210_873,
    user_openid: '-000YSS_OTWKQzsQ',
    content: JSON.stringify(content),
    ...more,
  });
const split = (text: string): Json => tiktok.webhooks.split(Buffer.from(text))[0];
const idOf = (text: string): string => split(text).externalId;

describe('a webhook', () => {
  const now = new Date('2026-11-22T12:00:00Z');
  const seconds = now.getTime() / 1000;
  const HOUR = 3600;
  const body = Buffer.from('{"event":"x","content":"{}"}');
  const sign = (t: number, secret = 'new-secret', bytes = body): string =>
    `t=${t},s=${createHmac('sha256', secret).update(`${t}.`).update(bytes).digest('hex')}`;
  const verify = (header: string | string[] | undefined, bytes = body): boolean =>
    tiktok.webhooks.verify(bytes, { 'tiktok-signature': header }, now);

  test.each<[string, () => boolean, boolean]>([
    ['signed with the newest secret', () => verify(sign(seconds)), true],
    ['signed with an older secret', () => verify(sign(seconds, 'old-secret')), true],
    ['signed with another secret', () => verify(sign(seconds, 'cs')), false],
    ['without signature', () => tiktok.webhooks.verify(body, {}, now), false],
    ['with two signatures', () => verify([sign(seconds), sign(seconds)]), false],
    ['72 hours old', () => verify(sign(seconds - 72 * HOUR)), true],
    ['older than that', () => verify(sign(seconds - 72 * HOUR - 1)), false],
    ['5 minutes in the future', () => verify(sign(seconds + 300)), true],
    ['6 minutes in the future', () => verify(sign(seconds + 360)), false],
    ['with another body', () => verify(sign(seconds), Buffer.from(`${body.toString()} `)), false],
    ['with another time', () => verify(sign(seconds).replace(/t=\d+/, `t=${seconds - 1}`)), false],
    ['with spaces around the parts', () => verify(sign(seconds).replace(',', ' , ')), true],
    ['with the parts turned round', () => verify(sign(seconds).split(',').toReversed().join()), true],
    ['with half a signature', () => verify(sign(seconds).slice(0, -32)), false],
    ['with an empty signature', () => verify(`t=${seconds},s=`), false],
    ['with words for a time', () => verify(sign(seconds).replace(/t=\d+/, 't=now')), false],
    ['with rubbish', () => verify('rubbish'), false],
  ])('%s', (_what, verified, expected) => {
    expect(verified()).toBe(expected);
  });

  test('is stored unchanged', () => {
    const text = event('post.publish.complete', { publish_id: 'p' });
    expect(tiktok.webhooks.split(Buffer.from(text))).toEqual([
      {
        eventType: 'post.publish.complete',
        providerAccountId: '-000YSS_OTWKQzsQ',
        payload: text,
        externalId: expect.stringContaining('p'),
      },
    ]);
  });

  test('delivered twice has one id, however it is written', () => {
    const content = { publish_id: 'p', publish_type: 'DIRECT_PUBLISH' };
    const first = event('post.publish.complete', content);
    expect(idOf(first)).toBe(idOf(first));
    expect(idOf(JSON.stringify(JSON.parse(first), null, 2))).toBe(idOf(first));
  });

  test.each<[string, string, string]>([
    [
      'time',
      event('post.publish.complete', { publish_id: 'p' }),
      event('post.publish.complete', { publish_id: 'p' }, { create_time: 1_770_210_874 }),
    ],
    [
      'publish',
      event('post.publish.complete', { publish_id: 'p' }),
      event('post.publish.complete', { publish_id: 'q' }),
    ],
    [
      'post',
      event('post.publish.publicly_available', { publish_id: 'p', post_id: '1' }),
      event('post.publish.publicly_available', { publish_id: 'p', post_id: '2' }),
    ],
    [
      'type',
      event('post.publish.complete', { publish_id: 'p' }),
      event('post.publish.failed', { publish_id: 'p' }),
    ],
    [
      'creator',
      event('authorization.removed', { reason: 1 }),
      event('authorization.removed', { reason: 1 }, { user_openid: 'other' }),
    ],
    ['content of an unknown event', event('brand.new', { a: 1 }), event('brand.new', { a: 2 })],
  ])('that differs in its %s has another id', (_what, one, other) => {
    expect(idOf(one)).not.toBe(idOf(other));
  });

  test('of an unknown type is stored under its own id', () => {
    const text = event('brand.new', { a: 1 });
    expect(split(text)).toMatchObject({ eventType: 'brand.new', payload: text });
    expect(idOf(text)).toBe(`brand.new:${createHash('sha256').update(text).digest('hex')}`);
    expect(split('{}')).toMatchObject({ eventType: 'unknown', providerAccountId: null, payload: '{}' });
  });

  test('with an endless id gets a short one', () => {
    const text = event('post.publish.complete', { publish_id: 'p'.repeat(500) });
    expect(idOf(text).length).toBeLessThanOrEqual(200);
  });

  test.each(['', 'no json', '[]', '"text"', 'null', '1'])('with the body %j is no event', (text) => {
    expect(() => split(text)).toThrow(SyntaxError);
  });

  const effect = (eventType: string, content: object, more: object = {}) =>
    tiktok.webhooks.effect(eventType, event(eventType, content, more));
  const account = { kind: 'account', openId: '-000YSS_OTWKQzsQ', at: new Date(1_770_210_873_000) };

  test.each([
    [0, 'reauth_required', 'unknown'],
    [1, 'reauth_required', 'disconnected_by_creator'],
    [2, 'disconnected', 'account_deleted'],
    [3, 'reauth_required', 'age_changed'],
    [4, 'disconnected', 'account_banned'],
    [5, 'reauth_required', 'revoked_by_developer'],
    [99, 'reauth_required', 'unknown'],
  ])('authorization.removed for reason %d makes the account %s', (code, status, reason) => {
    // Our own revocation precedes a consent of the same second.
    const at = reason === 'revoked_by_developer' ? new Date(account.at.getTime() - 1) : account.at;
    expect(effect('authorization.removed', { reason: code })).toEqual({ ...account, at, status, reason });
  });

  test('authorization.removed without an account has no effect', () => {
    expect(effect('authorization.removed', { reason: 1 }, { user_openid: undefined })).toEqual({
      kind: 'none',
    });
  });

  test.each<[string, object, object]>([
    ['post.publish.failed', { reason: 'spam_risk' }, { kind: 'failed', error: { code: 'spam_risk' } }],
    ['post.publish.failed', { fail_reason: 'spam_risk' }, { kind: 'failed', error: { code: 'spam_risk' } }],
    ['post.publish.complete', {}, { kind: 'published', providerPostId: null }],
    [
      'post.publish.publicly_available',
      { post_id: '76029975171601236' },
      { providerPostId: '76029975171601236' },
    ],
    ['post.publish.publicly_available', { post_id: 12 }, { providerPostId: '12' }],
    ['post.publish.inbox_delivered', {}, { kind: 'delivered', status: 'SEND_TO_USER_INBOX' }],
  ])('%s %j is a verdict', (eventType, content, verdict) => {
    expect(effect(eventType, { publish_id: 'p', ...content })).toMatchObject({
      kind: 'verdict',
      publishId: 'p',
      verdict,
    });
  });

  test('keeps every digit of a numeric post id', () => {
    const type = 'post.publish.publicly_available';
    const content = '{"publish_id":"p","post_id":7602997517160123666}';
    const payload = JSON.stringify({ event: type, content });
    expect(tiktok.webhooks.effect(type, payload)).toMatchObject({
      verdict: { kind: 'published', providerPostId: '7602997517160123666' },
    });
  });

  test.each<[string, object]>([
    ['post.publish.complete', {}],
    ['post.publish.no_longer_publicaly_available', { publish_id: 'p', post_id: '1' }],
    ['portability.download.ready', { request_id: 1 }],
    ['brand.new', { publish_id: 'p' }],
  ])('%s %j has no effect', (eventType, content) => {
    expect(effect(eventType, content)).toEqual({ kind: 'none' });
  });

  test('whose content is not JSON has no effect', () => {
    expect(effect('post.publish.complete', {}, { content: 'no json' })).toEqual({ kind: 'none' });
  });
});

describe('a request', () => {
  const photos = { source: 'PULL_FROM_URL' as const, photoUrls: ['https://a.example/1.jpg'] };
  const inbox = { mode: 'inbox', postInfo: {} } as const;
  const PUBLIC = { privacy_level: 'PUBLIC_TO_EVERYONE' } as const;

  test.each<[string, Partial<TikTokRequest>, string[]]>([
    ['a direct video', {}, []],
    ['a direct video without privacy level', { postInfo: {} }, ['postInfo.privacy_level']],
    ['the longest title of a video', { postInfo: { ...PUBLIC, title: 'x'.repeat(2200) } }, []],
    ['a title too long', { postInfo: { ...PUBLIC, title: 'x'.repeat(2201) } }, ['postInfo.title']],
    ['a title of emoji too long', { postInfo: { ...PUBLIC, title: '😀'.repeat(1101) } }, ['postInfo.title']],
    [
      'photo fields in a video',
      { postInfo: { ...PUBLIC, description: 'x', auto_add_music: true } },
      ['postInfo.description', 'postInfo.auto_add_music'],
    ],
    [
      'branded content for nobody',
      { postInfo: { privacy_level: 'SELF_ONLY', brand_content_toggle: true } },
      ['postInfo.privacy_level'],
    ],
    ['branded content', { postInfo: { ...PUBLIC, brand_content_toggle: true } }, []],
    [
      'our own brand for nobody',
      { postInfo: { privacy_level: 'SELF_ONLY', brand_organic_toggle: true } },
      [],
    ],
    ['a cover photo of a video', { photoCoverIndex: 0 }, ['photoCoverIndex']],
    ['a draft', inbox, []],
    ['a draft with a title', { ...inbox, postInfo: { title: 'x' } }, []],
    [
      'a draft with settings',
      { ...inbox, postInfo: { ...PUBLIC, is_aigc: true } },
      ['postInfo.privacy_level', 'postInfo.is_aigc'],
    ],
    ['direct photos', { ...photos, postInfo: { ...PUBLIC, auto_add_music: true, description: 'x' } }, []],
    ['the longest title of photos', { ...photos, postInfo: { ...PUBLIC, title: 'x'.repeat(90) } }, []],
    [
      'photos with a title too long',
      { ...photos, postInfo: { ...PUBLIC, title: 'x'.repeat(91) } },
      ['postInfo.title'],
    ],
    [
      'photos with a description too long',
      { ...photos, postInfo: { ...PUBLIC, description: 'x'.repeat(4001) } },
      ['postInfo.description'],
    ],
    [
      'video fields in photos',
      {
        ...photos,
        postInfo: { ...PUBLIC, disable_duet: true, disable_stitch: true, video_cover_timestamp_ms: 1 },
      },
      ['postInfo.disable_duet', 'postInfo.disable_stitch', 'postInfo.video_cover_timestamp_ms'],
    ],
    ['draft photos with text', { ...photos, ...inbox, postInfo: { title: 'x', description: 'y' } }, []],
    ['draft photos with settings', { ...photos, ...inbox, postInfo: PUBLIC }, ['postInfo.privacy_level']],
    ['the first photo as cover', { ...photos, photoCoverIndex: 0 }, []],
    ['a photo that is not there as cover', { ...photos, photoCoverIndex: 1 }, ['photoCoverIndex']],
  ])('of %s', (_what, changes, fields) => {
    const problems = checkRequest({ ...DIRECT, ...changes });
    expect(problems.map(({ field }) => field)).toEqual(fields);
  });
});
