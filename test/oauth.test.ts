import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createVisitor, type Visited, type Visitor } from '../stack/visitor.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* A creator's way from "connect" to an account, and everything that can stop it. */

const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8';
const JSON_TYPE = 'application/json';

let world: World;
/** Every response to a browser or a client; searched for tokens at the end. */
const seen: Answer[] = [];
/** Secrets that must not be in any log: codes, states, link tokens. */
const secrets = new Set<string>();

beforeAll(async () => {
  const unset = {
    NEXT_PUBLIC_THREADS_APP_ID: '',
    THREADS_APP_SECRET: '',
    NEXT_PUBLIC_THREADS_REDIRECT_URI: '',
  };
  world = await createWorld({ env: unset });
});
afterAll(() => world?.close());
/** The browser of one person. */
let browser: Visitor;
beforeEach(async () => {
  browser = createVisitor();
  await world.control('DELETE', '/faults');
  await world.control('DELETE', '/consent');
  await world.control('POST', '/tiktok/app', { redirectUris: [world.app.redirectUri] });
  await world.control('DELETE', '/requests');
});

async function ask(...args: Parameters<World['call']>): Promise<Answer> {
  const answer = await world.call(...args);
  seen.push(answer);
  return answer;
}

async function newCreator(): Promise<string> {
  const username = `creator_${randomUUID().slice(0, 8)}`;
  await world.control('POST', '/tiktok/creators', { username });
  return username;
}

/** @returns the link's URL */
async function newLink(more: Record<string, unknown> = {}, key = world.user.key): Promise<string> {
  const { status, body } = await ask('POST', '/api/connect-links', {
    key,
    body: { provider: 'tiktok', ...more },
  });
  expect(status).toBe(201);
  secrets.add(param(body.url, 'link'));
  return body.url;
}

/** Opens a link and presses the button of its page. @returns TikTok's consent page */
async function begin(link: string, visitor = browser, headers = {}): Promise<string> {
  const start = saw(await visitor.openLink(link, headers));
  expect(start.status).toBe(303);
  const page = start.headers.get('location') ?? '';
  secrets.add(param(page, 'state'));
  secrets.add(halfOf(start));
  return page;
}

/** The half of the state that the browser gets. */
function halfOf({ headers }: Answer): string {
  return /everpost-connect=([^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? '';
}

/** Records a browser's response. */
function saw(visited: Visited): Answer {
  const body: Json = visited.headers.get('content-type')?.includes('json') ? JSON.parse(visited.text) : null;
  const answer = { ...visited, body };
  seen.push(answer);
  return answer;
}

/** Decides on the consent page. @returns TikTok's redirect target */
async function decide(page: string, decision: Record<string, unknown>): Promise<string> {
  await world.control('POST', '/consent', { decision: 'approve', ...decision });
  const answer = await fetch(page, { redirect: 'manual' });
  const callback = answer.headers.get('location') ?? '';
  const code = param(callback, 'code');
  if (code !== '') secrets.add(code);
  return callback;
}

const finish = async (callback: string, accept = JSON_TYPE, visitor = browser): Promise<Answer> =>
  saw(await visitor.get(callback, { accept }));

/** Like a browser: continues to the page with the result. */
async function finishAndShow(callback: string): Promise<Answer> {
  const answer = await finish(callback, HTML);
  expect(answer.status).toBe(303);
  const address = answer.headers.get('location') ?? '';
  expect(address).toMatch(new RegExp(`^${world.url}/connected/[\\w-]{43}$`));
  secrets.add(address.split('/').at(-1) ?? '');
  return finish(address, HTML);
}

/** The whole way with its own link. */
async function connect(decision: Record<string, unknown>, link?: string): Promise<Answer> {
  return finish(await decide(await begin(link ?? (await newLink())), decision));
}

function param(url: string, name: string): string {
  return new URL(url).searchParams.get(name) ?? '';
}

const tokenCalls = (): Promise<Json[]> => world.requests('oauth.token');

async function expectFailure(answer: Answer, status: number, code: string): Promise<void> {
  expect(answer.status).toBe(status);
  expect(answer.body.error).toMatchObject({ code, details: expect.any(Object) });
  expect(answer.body.error.userMessage).toMatch(/\w+ \w+/);
  expect(answer.body.error.requestId).toBe(answer.headers.get('x-request-id'));
}

async function audited(action: string, subject: string): Promise<Json[]> {
  return world.database.db.execute(
    sql`select * from audit_log where action = ${action} and subject = ${subject} order by at desc`,
  );
}

async function lastFailure(): Promise<Json> {
  return (await audited('account.connect_failed', 'tiktok'))[0];
}

describe('an account is connected', () => {
  test('by a link: it is listed, the creator sees a page, an audit row stays', async () => {
    const creator = await newCreator();
    const link = await newLink();
    expect(link).toMatch(new RegExp(`^${world.url}/api/auth/tiktok\\?link=[\\w-]{43}$`));
    const page = await begin(link);
    expect(page.startsWith(`${world.sandbox.url}/v2/auth/authorize/?`)).toBe(true);
    expect(param(page, 'redirect_uri')).toBe(world.app.redirectUri);
    expect(param(page, 'scope').split(',')).toEqual(
      expect.arrayContaining(['video.upload', 'video.publish']),
    );
    const callback = await decide(page, { creator });
    const shown = await finishAndShow(callback);
    expect(shown.status).toBe(200);
    expect(shown.headers.get('content-type')).toMatch(/^text\/html/);
    expect(shown.headers.get('cache-control')).toBe('no-store');
    expect(shown.text).toContain(`(@${creator})`);

    const { body } = await ask('GET', '/api/accounts');
    const account = body.data.find((row: Json) => row.username === creator);
    expect(account).toMatchObject({
      provider: 'tiktok',
      displayName: expect.any(String),
      openId: expect.stringMatching(/^-000/),
      status: 'active',
      statusReason: null,
      scopes: expect.arrayContaining(['user.info.basic', 'video.upload', 'video.publish']),
    });
    // The provider's own seconds.
    expect(inHours(account.expiresAt)).toBeCloseTo(2, 1);
    expect(inHours(account.refreshExpiresAt)).toBeCloseTo(180 * 24, 0);
    const one = await ask('GET', `/api/accounts/${account.id}`);
    expect(one.body).toEqual(account);
    expect(await audited('account.connected', account.id)).toMatchObject([
      { actor: 'creator', user_id: world.user.id, ip: '127.0.0.1', details: { provider: 'tiktok' } },
    ]);
    expect(await tokenCalls()).toHaveLength(1);
    await until('the keeper of its token', async () => {
      const keeper = world.temporal.workflow.getHandle(`token:tiktok:${account.id}`);
      return (await keeper.describe().catch(() => null))?.status.name === 'RUNNING' ? true : null;
    });
  });

  test('with the quotas that its calls have used', async () => {
    const { body } = await connect({ creator: await newCreator() });
    const rows = await world.database.db.execute(
      sql`select bucket from quota_reservations where oauth_account_id = ${body.accounts[0].id}`,
    );
    expect(await world.requests('creator_info')).toHaveLength(1);
    expect(rows).toEqual([{ bucket: 'creator_info' }]);
  });

  test('with a bearer token, and JSON has its id', async () => {
    const creator = await newCreator();
    const bearer = { authorization: `Bearer ${world.user.key}` };
    const page = await begin(`${world.url}/api/auth/tiktok`, browser, bearer);
    const done = await finish(await decide(page, { creator }));
    expect(done.status).toBe(200);
    const [{ id }] = done.body.accounts;
    expect((await ask('GET', `/api/accounts/${id}`)).body).toMatchObject({ username: creator });
  });

  test('again: the same account with its history, even if its names have changed', async () => {
    const creator = await newCreator();
    const first = await connect({ creator });
    const [{ id }] = first.body.accounts;
    const before = await stored(id);
    const again = await connect({ creator });
    expect(again.body.accounts).toEqual([{ id }]);
    const after = await stored(id);
    expect(after).toMatchObject({ created_at: before.created_at, token_version: before.token_version + 1 });
    expect(after.access_token_encrypted).not.toEqual(before.access_token_encrypted);
    expect(await audited('account.connected', id)).toHaveLength(2);
    const { body } = await ask('GET', '/api/accounts');
    expect(body.data.filter((account: Json) => account.username === creator)).toHaveLength(1);
  });

  test('of another tenant, although the creator is the same', async () => {
    const creator = await newCreator();
    const other = await world.newUser();
    const [{ id }] = (await connect({ creator })).body.accounts;
    const theirs = await connect({ creator }, await newLink({}, other.key));
    expect(theirs.body.accounts[0].id).not.toBe(id);
    expect((await ask('GET', `/api/accounts/${theirs.body.accounts[0].id}`)).status).toBe(404);
  });
});

describe('a link', () => {
  test('is used up by the account that it connects, and by nothing else', async () => {
    const creator = await newCreator();
    const link = await newLink();
    await expectFailure(await connect({ decision: 'deny' }, link), 400, 'access_denied');
    await expectFailure(await connect({ creator, scopes: [] }, link), 400, 'missing_scopes');
    expect((await connect({ creator }, link)).status).toBe(200);
    const again = await ask('GET', link, { key: null, headers: { accept: JSON_TYPE } });
    await expectFailure(again, 400, 'invalid_link');
    const page = await ask('GET', link, { key: null, headers: { accept: HTML } });
    expect(page.status).toBe(400);
    expect(page.text).toContain('Ask the person who sent it for a new one');
  });

  test('opened in two browsers connects one account; the other gets no token', async () => {
    const link = await newLink();
    const other = createVisitor();
    const [one, two] = [await begin(link), await begin(link, other)];
    const callbacks = [
      await decide(one, { creator: await newCreator() }),
      await decide(two, { creator: await newCreator() }),
    ];
    expect((await finish(callbacks[0] ?? '')).status).toBe(200);
    await expectFailure(await finish(callbacks[1] ?? '', JSON_TYPE, other), 400, 'invalid_link');
    expect(await tokenCalls()).toHaveLength(1);
  });

  test('finished in two browsers at once connects one account, and revokes the other’s grant', async () => {
    const link = await newLink();
    const other = createVisitor();
    const [one, two] = [await begin(link), await begin(link, other)];
    const callbacks = [
      await decide(one, { creator: await newCreator() }),
      await decide(two, { creator: await newCreator() }),
    ];
    await world.fault({ endpoint: 'oauth.token', kind: 'slow', ms: 1000, times: 2 });
    const answers = await Promise.all([
      finish(callbacks[0] ?? ''),
      finish(callbacks[1] ?? '', JSON_TYPE, other),
    ]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400]);
    expect(answers.find(({ status }) => status === 400)?.body.error.code).toBe('invalid_link');
    expect(await tokenCalls()).toHaveLength(2);
    expect(await world.requests('oauth.revoke')).toMatchObject([{ status: 200 }]);
  });

  test.each([
    ['unknown', async () => `${world.url}/api/auth/tiktok?link=${randomUUID()}`],
    [
      'expired',
      async () => {
        const link = await newLink();
        await world.database.db.execute(
          sql`update connect_links set expires_at = now() where used_at is null`,
        );
        return link;
      },
    ],
  ])('that is %s does not lead to TikTok', async (_what, link) => {
    const answer = await ask('GET', await link(), { key: null, headers: { accept: JSON_TYPE } });
    await expectFailure(answer, 400, 'invalid_link');
    expect(answer.headers.get('location')).toBeNull();
    expect((await browser.openLink(await link())).status).toBe(400);
    expect(await audited('connect.refused', 'tiktok')).not.toHaveLength(0);
  });

  test('is needed without a bearer token', async () => {
    const answer = await ask('GET', '/api/auth/tiktok', { key: null });
    expect(answer.status).toBe(401);
    expect((await ask('GET', '/api/auth/tiktok', { key: 'ep_wrong' })).status).toBe(401);
  });

  test('is only for existing providers', async () => {
    for (const provider of ['threads', 'myspace']) {
      const { status, body } = await ask('POST', '/api/connect-links', { body: { provider } });
      expect(status).toBe(404);
      expect(body.error.code).toBe('provider_not_configured');
      expect((await ask('GET', `/api/auth/${provider}`)).status).toBe(404);
    }
  });
});

describe('an invalid state', () => {
  test('wrong, empty or missing', async () => {
    const callback = await approved();
    await expectRefused(withState(callback, randomUUID()), null);
    await expectRefused(withState(callback, ''), null);
    await expectRefused(withState(callback, null), null);
    // The attempt itself is not affected.
    expect((await finish(callback)).status).toBe(200);
  });

  test('used before', async () => {
    const callback = await approved();
    expect((await finish(callback)).status).toBe(200);
    await expectRefused(callback, world.user.id);
  });

  test('used before by a denial', async () => {
    const page = await begin(await newLink());
    const denied = await decide(page, { decision: 'deny' });
    await expectFailure(await finish(denied), 400, 'access_denied');
    await expectRefused(await decide(page, { creator: await newCreator() }), world.user.id);
    expect(await tokenCalls()).toHaveLength(0);
  });

  test('used twice at once: one account', async () => {
    const callback = await approved();
    const answers = await Promise.all([finish(callback), finish(callback)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400]);
    expect(await tokenCalls()).toHaveLength(1);
  });

  test('expired', async () => {
    const callback = await approved();
    const [state]: Json[] = await world.database.db.execute(
      sql`select expires_at - created_at as life from oauth_states order by created_at desc limit 1`,
    );
    expect(state.life).toMatch(/^00:(10:00|09:59)/);
    await world.database.db.execute(sql`update oauth_states set expires_at = now() where used_at is null`);
    await expectRefused(callback, world.user.id);
  });

  test('of another provider', async () => {
    const callback = await approved();
    await world.database.db.execute(sql`update oauth_states set provider = 'threads' where used_at is null`);
    await expectRefused(callback, null);
    expect(await tokenCalls()).toHaveLength(0);
  });

  test('is stored only as a hash', async () => {
    const page = await begin(await newLink());
    const rows = await world.database.db.execute(sql`select * from oauth_states`);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(param(page, 'state'));
    // Revocations wait while somebody is on the consent page.
    await finish(await decide(page, { decision: 'deny' }));
  });
});

describe('the creator or TikTok refuses', () => {
  test('denied: access_denied, no token call, nothing connected', async () => {
    const callback = await decide(await begin(await newLink()), { decision: 'deny' });
    await expectFailure(await finish(callback), 400, 'access_denied');
    expect(await tokenCalls()).toHaveLength(0);
    expect(await lastFailure()).toMatchObject({
      actor: 'creator',
      user_id: world.user.id,
      details: { code: 'access_denied' },
    });
    const page = await finishAndShow(await decide(await begin(await newLink()), { decision: 'deny' }));
    expect(page.status).toBe(400);
    expect(page.text).toContain('You did not allow the connection');
  });

  test('permissions declined: missing_scopes names them, and the grant is revoked', async () => {
    const creator = await newCreator();
    const answer = await connect({ creator, scopes: ['user.info.basic'] });
    await expectFailure(answer, 400, 'missing_scopes');
    const missing = ['video.upload', 'video.publish'];
    expect(answer.body.error.details).toEqual({ scopes: missing });
    expect(answer.body.error.userMessage).toContain('post videos and photos for you.');
    const { body } = await ask('GET', '/api/accounts');
    expect(body.data.map((account: Json) => account.username)).not.toContain(creator);
    expect(await lastFailure()).toMatchObject({ details: { scopes: missing } });
    expect(await world.requests('oauth.revoke')).toMatchObject([{ status: 200 }]);
  });

  test('permissions declined while connected: the working account continues', async () => {
    const creator = await newCreator();
    const [{ id }] = (await connect({ creator })).body.accounts;
    await expectFailure(await connect({ creator, scopes: [] }), 400, 'missing_scopes');
    expect(await world.requests('oauth.revoke')).toHaveLength(0);
    expect((await ask('GET', `/api/accounts/${id}`)).body).toMatchObject({ status: 'active' });
  });

  test.each([
    ['500', { kind: 'status', http: 500 }],
    ['a page of HTML', { kind: 'html', http: 200 }],
    ['half an answer', { kind: 'truncated' }],
    ['no answer', { kind: 'drop-before' }],
  ])('the token endpoint answers with %s: provider_error 502', async (_what, fault) => {
    await world.fault({ endpoint: 'oauth.token', ...fault });
    const callback = await decide(await begin(await newLink()), { creator: await newCreator() });
    const answer = await finish(callback);
    await expectFailure(answer, 502, 'provider_error');
    expect(answer.body.error).toMatchObject({ retryable: true, details: { provider: 'tiktok' } });
    expect(await lastFailure()).toMatchObject({ details: { code: 'provider_error' } });
    // A code is exchanged only once: the first exchange may have succeeded.
    expect(await tokenCalls()).toHaveLength(1);
  });

  test('a page says so too', async () => {
    await world.fault({ endpoint: 'oauth.token', kind: 'status', http: 500 });
    const page = await finishAndShow(
      await decide(await begin(await newLink()), { creator: await newCreator() }),
    );
    expect(page.status).toBe(502);
    expect(page.text).toContain('Start again in a few minutes');
  });

  test('a code that TikTok does not know: provider_error with TikTok’s words', async () => {
    const callback = await decide(await begin(await newLink()), { creator: await newCreator() });
    const url = new URL(callback);
    url.searchParams.set('code', 'made*1!4321.va');
    const answer = await finish(url.href);
    await expectFailure(answer, 400, 'provider_error');
    expect(answer.body.error.details).toMatchObject({ provider: 'tiktok', providerCode: 'invalid_grant' });
  });

  test('an error of TikTok’s own in the callback', async () => {
    const state = param(await begin(await newLink()), 'state');
    const query = new URLSearchParams({
      state,
      error: 'server_error',
      error_description: 'try <b>later</b>',
    });
    const page = await finishAndShow(`${world.app.redirectUri}?${query.toString()}`);
    expect(page.status).toBe(400);
    expect(page.text).not.toContain('<b>');
    expect(await tokenCalls()).toHaveLength(0);
    expect(await lastFailure()).toMatchObject({ details: { details: { providerCode: 'server_error' } } });
  });
});

describe('a dialog with a wrong configuration', () => {
  test('reports that under its own names, with a fragment at the end', async () => {
    const state = `${param(await begin(await newLink()), 'state')}#_=_`;
    const query = new URLSearchParams({ state, error_code: '1349187', error_message: 'Insecure login' });
    const answer = await finish(`${world.app.redirectUri}?${query.toString()}`);
    await expectFailure(answer, 400, 'provider_error');
    const said = { providerCode: '1349187', providerMessage: 'Insecure login' };
    expect(answer.body.error.details).toMatchObject(said);
  });
});

describe('a creator who declines', () => {
  test('is recognized by the reason, however the error is spelled', async () => {
    const state = param(await begin(await newLink()), 'state');
    const query = new URLSearchParams({ state, error: 'acceess_denied', error_reason: 'user_denied' });
    await expectFailure(await finish(`${world.app.redirectUri}?${query.toString()}`), 400, 'access_denied');
  });
});

describe('another redirect URI', () => {
  test('is registered: TikTok shows its own page, and no callback comes', async () => {
    const page = await begin(await newLink());
    await world.control('POST', '/tiktok/app', { redirectUris: [`${world.app.redirectUri}/`] });
    await world.control('POST', '/consent', { decision: 'approve' });
    const answer = await fetch(page, { redirect: 'manual' });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
    expect(await answer.text()).toContain('redirect_uri');
    expect(await tokenCalls()).toHaveLength(0);
  });

  test('was used for the code: the token call is refused, and the error says so', async () => {
    const other = world.app.redirectUri.replace('/callback', '/elsewhere');
    await world.control('POST', '/tiktok/app', { redirectUris: [world.app.redirectUri, other] });
    const page = new URL(await begin(await newLink()));
    page.searchParams.set('redirect_uri', other);
    const stray = new URL(await decide(page.href, { creator: await newCreator() }));
    expect(stray.pathname).toBe('/api/auth/tiktok/elsewhere');
    const answer = await finish(`${world.app.redirectUri}${stray.search}`);
    await expectFailure(answer, 400, 'provider_error');
    expect(answer.body.error.details).toMatchObject({
      providerCode: 'invalid_request',
      providerMessage: expect.stringContaining('Redirect_uri'),
    });
    expect(await tokenCalls()).toMatchObject([{ body: { redirect_uri: world.app.redirectUri } }]);
  });
});

describe('returnTo', () => {
  const returnTo = 'https://app.example/done?tab=1';

  const back = async (decision: Record<string, unknown>): Promise<URL> => {
    const callback = await decide(await begin(await newLink({ returnTo })), decision);
    const answer = await finish(callback, HTML);
    expect(answer.status).toBe(302);
    return new URL(answer.headers.get('location') ?? '');
  };

  test('gets the account', async () => {
    const creator = await newCreator();
    const url = await back({ creator });
    expect(`${url.origin}${url.pathname}`).toBe('https://app.example/done');
    expect(url.searchParams.get('tab')).toBe('1');
    const { body } = await ask('GET', `/api/accounts/${url.searchParams.get('account')}`);
    expect(body).toMatchObject({ username: creator });
    expect(url.searchParams.has('error')).toBe(false);
  });

  test('gets the error, and the missing scopes', async () => {
    const creator = await newCreator();
    const denied = await back({ decision: 'deny' });
    expect(denied.searchParams.get('error')).toBe('access_denied');
    expect(denied.searchParams.has('account')).toBe(false);
    const missing = await back({ creator, scopes: [] });
    expect(missing.searchParams.get('error')).toBe('missing_scopes');
    expect(missing.searchParams.get('scopes')).toBe('video.upload,video.publish');
    await world.fault({ endpoint: 'oauth.token', kind: 'status', http: 500 });
    expect((await back({ creator })).searchParams.get('error')).toBe('provider_error');
  });

  test('gets invalid_state for its own attempt, and nothing for a stranger’s', async () => {
    const callback = await decide(await begin(await newLink({ returnTo })), { creator: await newCreator() });
    await world.database.db.execute(sql`update oauth_states set expires_at = now() where used_at is null`);
    const late = await finish(callback, HTML);
    expect(param(late.headers.get('location') ?? '', 'error')).toBe('invalid_state');
    const stranger = new URL(callback);
    stranger.searchParams.set('state', randomUUID());
    expect((await finish(stranger.href, HTML)).status).toBe(400);
  });

  test.each([
    'http://app.example/done',
    'javascript:alert(1)',
    '//app.example',
    '/done',
    'https://user:pw@app.example/',
  ])('must not be %s', async (bad) => {
    const { status, body } = await ask('POST', '/api/connect-links', {
      body: { provider: 'tiktok', returnTo: bad },
    });
    expect(status).toBe(400);
    expect(body.error.details.fields).toMatchObject([{ field: 'returnTo' }]);
  });

  test('may be http on a loopback host', async () => {
    expect(await newLink({ returnTo: 'http://localhost:5173/done' })).toContain('?link=');
    expect(await newLink({ returnTo: 'http://127.0.0.1:5173/done' })).toContain('?link=');
  });

  // Its host may be one that no policy can name, or one that would split the policy.
  test.each([
    ['https://app.example/done', 'https://app.example'],
    ['http://[::1]:3000/done', 'http:'],
    ['https://[2001:db8::1]/done', 'https:'],
    ['https://a;script-src,b.example/', 'https:'],
    ['https://a_b.example.com/', 'https:'],
  ])('%s can be reached from the page, whose policy stays intact', async (address, source) => {
    const page = await fetch(await newLink({ returnTo: address }));
    const policy = page.headers.get('content-security-policy') ?? '';
    const directives = policy.split(';').map((directive) => directive.trim());
    expect(directives.find((one) => one.startsWith('form-action'))?.split(' ')).toContain(source);
    expect(directives.filter((one) => one.startsWith('script-src'))).toEqual(["script-src 'self'"]);
    expect(policy).not.toContain(',');
  });
});

test('no token, code, state or link is in an answer, a log, or unencrypted in the database', async () => {
  const tokens = (await world.requests())
    .map((request): string | undefined => request.headers.authorization)
    .filter((header) => header !== undefined);
  const looksLikeToken = /\b(act|rft)\.[\w-]{20,}/;
  for (const answer of seen) {
    const text = answer.text + JSON.stringify([...answer.headers]);
    expect(text).not.toMatch(looksLikeToken);
    expect(text).not.toContain(world.secrets.clientSecret);
  }
  expect(tokens.every((header) => looksLikeToken.test(header))).toBe(true);
  const logs = world.logFiles.map((file) => readFileSync(file, 'utf8')).join('\n');
  expect(logs).toContain('/api/auth/:provider/callback');
  expect(logs).not.toMatch(looksLikeToken);
  const kept = JSON.stringify([
    await world.database.db.execute(sql`select * from oauth_accounts`),
    await world.database.db.execute(sql`select * from oauth_states`),
    await world.database.db.execute(sql`select * from connect_links`),
    await world.database.db.execute(sql`select * from audit_log`),
  ]);
  expect(kept).not.toMatch(looksLikeToken);
  expect(secrets.size).toBeGreaterThan(20);
  for (const secret of [...secrets, world.secrets.clientSecret, world.user.key, world.secrets.adminKey]) {
    expect(logs).not.toContain(secret);
    expect(logs).not.toContain(encodeURIComponent(secret));
    expect(kept).not.toContain(secret);
  }
});

function inHours(time: string): number {
  return (new Date(time).getTime() - Date.now()) / 3_600_000;
}

async function stored(id: string): Promise<Json> {
  const rows = await world.database.db.execute(sql`select * from oauth_accounts where id = ${id}`);
  return rows[0];
}

function withState(callback: string, state: string | null): string {
  const url = new URL(callback);
  if (state === null) url.searchParams.delete('state');
  else url.searchParams.set('state', state);
  return url.href;
}

async function expectRefused(callback: string, userId: string | null): Promise<void> {
  await world.control('DELETE', '/requests');
  await expectFailure(await finish(callback), 400, 'invalid_state');
  const page = await finish(callback, HTML);
  expect(page.status).toBe(400);
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(page.text).toContain('Start again');
  expect(page.text).toContain('invalid_state');
  expect(await tokenCalls()).toHaveLength(0);
  expect(await lastFailure()).toMatchObject({ user_id: userId, details: { code: 'invalid_state' } });
}

const approved = async (): Promise<string> =>
  decide(await begin(await newLink()), { creator: await newCreator() });
