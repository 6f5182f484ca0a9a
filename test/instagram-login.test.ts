import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { readConfig } from '../config.ts';
import { ProviderError } from '../providers/errors.ts';
import { createProviders } from '../providers/index.ts';
import type { Provider } from '../providers/provider.ts';
import type { TokenSet } from '../providers/oauth.ts';
import { visit } from '../sandbox/testing/client.ts';
import { jpeg } from '../sandbox/testing/media.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';
import { createVisitor } from '../stack/visitor.ts';

/*
 * Cases of Instagram Login alone (instagram-facts 3), and of an account that changes from one login to the other. The
 * conformance suite has the cases of both logins.
 */

const DAY_MS = 86_400_000;
const SCOPES = ['basic', 'content_publish', 'manage_comments', 'manage_insights'].map(
  (name) => `instagram_business_${name}`,
);

/** Scopes that are not asked for by default: webhooks about comments. */
const ASKED = {
  INSTAGRAM_LOGIN_SCOPES: SCOPES.join(','),
  INSTAGRAM_SCOPES:
    'instagram_basic,instagram_content_publish,instagram_manage_comments,pages_show_list,pages_read_engagement,pages_manage_metadata,business_management',
};

let world: World;
let login: Provider;
let videoId: string;
let imageId: string;
beforeAll(async () => {
  world = await createWorld({ env: ASKED });
  const found = createProviders(readConfig('server', world.env).providers).find(
    'instagram',
    'instagram_login',
  );
  if (found === null) throw new Error('Instagram Login is not set up');
  login = found;
  videoId = await world.upload();
  imageId = await world.upload(jpeg(), undefined, 'image/jpeg');
});
afterAll(() => world?.close());
beforeEach(async () => {
  onTestFailed(() => world.tell());
  await world.control('DELETE', '/faults');
});

const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const options = (changes: object): Promise<unknown> => world.control('POST', '/instagram/options', changes);
const advance = (ms: number): Promise<unknown> => world.control('POST', '/clock', { advanceMs: ms });

/** Adds a creator, unless there is one of this name. @returns the account in the sandbox */
async function newAccount(username: string): Promise<Json> {
  await world.control('POST', '/instagram/accounts', { username });
  const accounts: Json = await world.control('GET', '/instagram/accounts');
  return accounts.find((row: Json) => row.username === username);
}

async function codeFor(creator: string): Promise<string> {
  await world.control('POST', '/consent', { decision: 'approve', provider: 'instagram', creator });
  const callback = await visit(login.oauth.authorizeUrl({ state: 'a state/+&', codeVerifier: '' }));
  expect(callback.searchParams.get('state')).toBe('a state/+&');
  return callback.searchParams.get('code') ?? '';
}

const connect = async (creator: string) => login.oauth.exchangeCode(await codeFor(creator), '', soon());

async function tokensOf(creator: string): Promise<TokenSet> {
  await newAccount(creator);
  const [grant] = (await connect(creator)).grants;
  if (grant === undefined) throw new Error('nothing was granted');
  return grant.tokens;
}

const refusal = async (call: Promise<unknown> | undefined): Promise<ProviderError> => {
  const error: unknown = await call?.catch((cause: unknown) => cause);
  if (error instanceof ProviderError) return error;
  throw new Error(`no ProviderError: ${String(error)}`);
};

describe('the provider', () => {
  test.each([
    { loginTokenShape: 'flat', loginMeShape: 'flat', loginUserId: 'scoped', loginUserIdType: 'number' },
    { loginTokenShape: 'wrapped', loginMeShape: 'wrapped', loginUserId: 'scoped', loginUserIdType: 'string' },
    {
      loginTokenShape: 'flat',
      loginMeShape: 'wrapped',
      loginUserId: 'professional',
      loginUserIdType: 'number',
    },
    {
      loginTokenShape: 'wrapped',
      loginMeShape: 'flat',
      loginUserId: 'professional',
      loginUserIdType: 'string',
    },
  ])('reads every known shape of answers: $loginTokenShape, $loginMeShape, $loginUserId', async (shape) => {
    await options(shape);
    const account = await newAccount('shapely');
    const { scopes, grants } = await connect('shapely');
    expect(scopes).toEqual(SCOPES);
    expect(grants).toMatchObject([
      {
        openId: account.id,
        username: 'shapely',
        login: { id: account.scopedId },
        tokens: { scopes: SCOPES },
      },
    ]);
    const [{ tokens } = { tokens: null }] = grants;
    expect(tokens?.expiresIn).toBeGreaterThan(59 * 86_400);
    expect(tokens?.refreshToken).toBe(tokens?.accessToken);
  });

  test('accepts no code twice', async () => {
    await newAccount('once');
    const code = await codeFor('once');
    await login.oauth.exchangeCode(code, '', soon());
    expect(await refusal(login.oauth.exchangeCode(code, '', soon()))).toMatchObject({ kind: 'grant' });
  });

  test('signs nothing, and calls no host of Facebook’s', async () => {
    await world.control('DELETE', '/requests');
    await tokensOf('unsigned');
    const paths: string[] = (await world.requests()).map(({ path }: Json) => path);
    expect(paths.filter((path) => !path.startsWith('/_sandbox'))).not.toEqual([]);
    expect(paths.filter((path) => /^\/(graph|facebook|rupload)\//.test(path))).toEqual([]);
    expect(paths.filter((path) => path.includes('appsecret_proof'))).toEqual([]);
  });

  test('subscribes the account to webhooks, and unsubscribes it in the end', async () => {
    const { accessToken } = await tokensOf('subscriber');
    expect(await newAccount('subscriber')).toMatchObject({ subscribed: ['comments'] });
    await world.fault({ endpoint: 'instagram.subscribed_apps', kind: 'status', http: 503, body: '' });
    expect(await refusal(login.oauth.revoke(accessToken, soon()))).toMatchObject({ kind: 'unavailable' });
    await login.oauth.revoke(accessToken, soon());
    expect(await newAccount('subscriber')).toMatchObject({ subscribed: [] });
    await world.control('POST', '/instagram/revoke', { account: 'subscriber' });
    await expect(login.oauth.revoke(accessToken, soon())).resolves.toBeUndefined();
  });

  test('connects an account that cannot be subscribed', async () => {
    await world.fault({ endpoint: 'instagram.subscribed_apps', kind: 'status', http: 500, body: '' });
    await tokensOf('unsubscribed');
    expect(await newAccount('unsubscribed')).toMatchObject({ subscribed: [] });
  });

  test('keeps a token that is too young to be renewed', async () => {
    const { accessToken } = await tokensOf('young');
    expect(await login.oauth.refresh?.(accessToken, soon())).toBeNull();
    await advance(DAY_MS);
    const renewed = await login.oauth.refresh?.(accessToken, soon());
    expect(renewed).toMatchObject({ expiresIn: expect.any(Number), scopes: SCOPES });
    expect(renewed?.accessToken).not.toBe(accessToken);
    // The stricter reading: the old token is dead, and the error says so.
    expect(await refusal(login.oauth.refresh?.(accessToken, soon()))).toMatchObject({ kind: 'grant' });
  });

  test.each(['revoke', 'invalidate', 'expire-tokens'])('recognizes a dead token (%s)', async (end) => {
    const account = `dead_${end}`;
    const { accessToken } = await tokensOf(account);
    await advance(DAY_MS);
    await world.control('POST', `/instagram/${end}`, { account });
    expect(await refusal(login.oauth.refresh?.(accessToken, soon()))).toMatchObject({
      kind: 'grant',
      // From the refresh; only the call after it shows the meaning.
      providerCode: '100',
    });
  });

  test.each([
    ['the refusal is followed by silence', { endpoint: 'instagram.node', kind: 'drop-before' }],
    [
      'the host is out of order',
      { endpoint: 'instagram.login_refresh', kind: 'status', http: 503, body: '' },
    ],
    ['the answer is lost', { endpoint: 'instagram.login_refresh', kind: 'accept-then-drop' }],
  ])('considers no token dead while %s', async (_why, fault) => {
    const { accessToken } = await tokensOf('doubted');
    await world.fault(fault);
    expect(await refusal(login.oauth.refresh?.(accessToken, soon()))).toMatchObject({ kind: 'unavailable' });
  });
});

const connected = async (creator: string, method?: string): Promise<Json> => {
  const { answer } = await world.visitConsent({ creator }, world.user.key, 'instagram', method);
  expect(answer).toMatchObject({ status: 200 });
  return (await world.call('GET', `/api/accounts/${answer.body.accounts[0].id}`)).body;
};
/** Adds a creator whose account both logins can connect. */
async function newCreator(username: string): Promise<void> {
  await newAccount(username);
  await world.control('POST', '/instagram/pages', { name: username, user: username, instagram: username });
}
const publishReel = async (accountId: string, text: string): Promise<Answer> =>
  world.call('POST', '/api/instagram/publish', {
    body: { accountId, mediaType: 'REELS', mediaId: videoId, postInfo: { caption: text } },
  });
const containersOf = async (openId: string): Promise<Json[]> => {
  const answer: Json = await world.control('GET', `/instagram/publishes?accountId=${openId}`);
  return answer;
};
const rowOf = async (accountId: string): Promise<Json> =>
  (
    await world.database.db.execute<Json>(
      `select * from instagram_accounts where oauth_account_id = '${accountId}'`,
    )
  )[0];

describe('the API', () => {
  test('refuses a method that the provider does not have', async () => {
    for (const body of [
      { provider: 'instagram', method: 'carrier_pigeon' },
      { provider: 'threads', method: 'instagram_login' },
    ])
      expect(await world.call('POST', '/api/connect-links', { body })).toMatchObject({
        status: 404,
        body: { error: { code: 'provider_not_configured' } },
      });
    const direct = await world.call('GET', '/api/auth/instagram?method=carrier_pigeon');
    expect([direct.status, direct.body.error.code]).toEqual([404, 'provider_not_configured']);
  });

  test('leads to the page of the chosen login, by default Facebook’s', async () => {
    const bearer = { authorization: `Bearer ${world.user.key}` };
    const start = async (path: string): Promise<string | null> =>
      (await createVisitor().openLink(world.url + path, bearer)).location;
    const { env } = world;
    expect(await start('/api/auth/instagram')).toContain(env.FACEBOOK_DIALOG_URL);
    expect(await start('/api/auth/instagram?method=facebook_login')).toContain(env.FACEBOOK_DIALOG_URL);
    expect(await start('/api/auth/instagram?method=instagram_login')).toContain(env.INSTAGRAM_AUTH_URL);
  });

  test.each(['facebook_login', 'instagram_login'])(
    'connects an account whose webhooks do not come, and says so (%s)',
    async (method) => {
      const creator = `unsubscribed_by_${method}`;
      const webhooksOf = async (accountId: string): Promise<Json> => {
        const [row] = await world.database.db.execute<Json>(
          sql`select metadata -> 'webhooks' as webhooks from oauth_accounts where id = ${accountId}`,
        );
        return row?.['webhooks'];
      };
      await newCreator(creator);
      const refused = { kind: 'status', http: 403, code: '200', message: 'no permission' };
      await world.fault({ endpoint: 'instagram.subscribed_apps', ...refused });
      const { id } = await connected(creator, method);
      const why = { subscribed: false, providerCode: '200', providerMessage: 'no permission' };
      expect(await webhooksOf(id)).toMatchObject(why);
      const logged = world.logFiles.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
      const [line = '{}'] = logged.filter(
        (text) => text.includes('its webhooks will not come') && text.includes(id),
      );
      expect(JSON.parse(line)).toMatchObject(why);
      expect((await connected(creator, method)).id).toBe(id);
      expect(await webhooksOf(id)).toEqual({ subscribed: true });
    },
  );

  test('records how an account was connected, and the user id of its callbacks', async () => {
    await newCreator('changing');
    const first = await connected('changing');
    expect(first.method).toBe('facebook_login');
    expect(await rowOf(first.id)).toMatchObject({
      access_level: 'facebook_login',
      page_id: expect.any(String),
    });
    const second = await connected('changing', 'instagram_login');
    expect(second).toMatchObject({ id: first.id, method: 'instagram_login', scopes: SCOPES });
    expect(await rowOf(first.id)).toMatchObject({
      ig_business_id: first.openId,
      access_level: 'instagram_login',
      page_id: null,
      page_access_token_encrypted: null,
      facebook_user_id: (await newAccount('changing')).scopedId,
    });
  });

  test.each([
    ['facebook_login', 'instagram_login'],
    ['instagram_login', 'facebook_login'],
  ])(
    'publishes a reel that waits for its account, connected by %s, once it is reconnected by %s',
    async (from, to) => {
      const username = `moved_from_${from}`;
      await newCreator(username);
      const { id, openId } = await connected(username, from);
      const holder = from === 'facebook_login' ? { user: username } : { account: username };
      await world.control('POST', '/instagram/invalidate', holder);
      const { body: post } = await publishReel(id, 'on the move');
      await world.untilPost(post.id, 'waiting_account');
      expect(await connected(username, to)).toMatchObject({ id, method: to });
      await world.untilPost(post.id, 'published');
      const live = (await containersOf(openId)).filter((row) => row.live);
      expect(live).toMatchObject([{ params: { video_url: expect.stringContaining(world.url) } }]);
    },
  );

  test('continues with a token that is refused once, although it is too young to be renewed', async () => {
    await newCreator('just_connected');
    const { id } = await connected('just_connected', 'instagram_login');
    await world.fault({ endpoint: 'instagram.publish', kind: 'status', http: 400, code: '190' });
    const { body: post } = await publishReel(id, 'young');
    await world.untilPost(post.id, 'published');
    expect((await world.call('GET', `/api/accounts/${id}`)).body).toMatchObject({ status: 'active' });
  });

  test('publishes a reel meant for upload once its account is connected by the other login', async () => {
    await newCreator('moved_late');
    const { id, openId } = await connected('moved_late', 'facebook_login');
    await world.fault({ endpoint: 'instagram.upload', kind: 'status', http: 503, body: '', times: 0 });
    const { body: post } = await publishReel(id, 'late');
    await until('the upload', async () =>
      (await world.requests('instagram.upload')).length > 0 ? true : null,
    );
    await world.control('POST', '/instagram/invalidate', { user: 'moved_late' });
    await world.control('DELETE', '/faults');
    await until('the account to be out of service', async () => {
      const { body } = await world.call('GET', `/api/accounts/${id}`);
      return body.status === 'reauth_required' ? true : null;
    });
    await connected('moved_late', 'instagram_login');
    await world.untilPost(post.id, 'published');
    expect((await containersOf(openId)).filter((row) => row.live)).toHaveLength(1);
  });

  test('recreates a container made for pull if the file has to be uploaded', async () => {
    await newCreator('moved_twice');
    const { id, openId } = await connected('moved_twice', 'facebook_login');
    await world.fault({ endpoint: 'instagram.upload', kind: 'status', http: 503, body: '', times: 0 });
    const { body: post } = await publishReel(id, 'there and back');
    // The state that the other login would have left, before the account came back.
    await until('the place to upload to', async () => {
      const forgotten = await world.database.db.execute(sql`
        update publish_attempts set secret_encrypted = null
        where post_id = ${post.id} and secret_encrypted is not null returning id`);
      return forgotten.length > 0 ? true : null;
    });
    await world.control('DELETE', '/faults');
    await world.untilPost(post.id, 'published');
    expect((await containersOf(openId)).filter((row) => row.live)).toHaveLength(1);
  });

  test('stores comments as they come for the account itself', async () => {
    await newAccount('commented');
    const { id } = await connected('commented', 'instagram_login');
    const { body: post } = await world.call('POST', '/api/instagram/publish', {
      body: { accountId: id, mediaType: 'IMAGE', mediaId: imageId },
    });
    const { providerPostId: mediaId } = await world.untilPost(post.id, 'published');
    await world.control('POST', '/instagram/comments', { mediaId, text: 'no page needed' });
    const comment = await until('the comment', async () => {
      const [row] = await world.database.db.execute<Json>(
        `select * from ig_comments where text = 'no page needed'`,
      );
      return row ?? null;
    });
    expect(comment).toMatchObject({ user_id: world.user.id, hidden: false });
  });

  test('deletes a creator’s data on request, only in the name of the Instagram app', async () => {
    await newAccount('leaving');
    const { id } = await connected('leaving', 'instagram_login');
    const status = async (): Promise<string> => (await world.call('GET', `/api/accounts/${id}`)).body.status;
    const payload = Buffer.from(JSON.stringify({ user_id: (await newAccount('leaving')).scopedId }));
    const encoded = payload.toString('base64url');
    const forged = createHmac('sha256', 'a guess').update(encoded).digest('base64url');
    const refused = await world.call('POST', '/api/webhooks/instagram/data-deletion', {
      key: null,
      body: `signed_request=${forged}.${encoded}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([refused.status, await status()]).toEqual([401, 'active']);
    await world.control('POST', '/instagram/data-deletion', { account: 'leaving' });
    await until('the account to be gone', async () => ((await status()) === 'disconnected' ? true : null));
  });
});
