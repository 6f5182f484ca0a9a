import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { localKeyProvider, parseKeyring } from '../crypto/keys.ts';
import { formsOf, histories, type Place, tables } from './places.ts';
import { createWorld, paddedVideo, until, type Json, type World } from './world.ts';
import { createVisitor } from '../stack/visitor.ts';

/*
 * Searches for every secret of a run in everything that the run left behind: workflow histories, logs, tables and
 * responses. Findings name kind and place, never the secret.
 */

interface Secret {
  kind: string;
  value: string | Buffer;
  /** Places where it may be, because it is personal but not secret: in tables and responses. */
  allowed?: RegExp;
}

interface Recorded {
  request: string;
  content: string;
}

const webhookSecret = randomBytes(24).toString('hex');

let world: World;
let secrets: Secret[];
/** Users' texts and names: not in logs and histories, whatever fails. */
const texts = {
  'title of a post': `A title, of a day at sea ${randomUUID()}`,
  'title of a scheduled post': `A title, of a day to come ${randomUUID()}`,
  comment: `So good,\n    at last ${randomUUID()}`,
  'name of a creator': `Ann of the ${randomUUID()} Lighthouses`,
  'name of a file': `my day at sea ${randomUUID()}.mp4`,
};
const answers: Recorded[] = [];
const forged: string[] = [];

beforeAll(async () => {
  recordAnswers();
  world = await createWorld({
    // The most verbose log level that an operator can choose.
    env: { LOG_LEVEL: 'trace', TIKTOK_WEBHOOK_SECRET: webhookSecret },
    sandboxState: true,
  });
  await live().catch(async (error: unknown) => {
    await world.tell();
    throw error;
  });
  secrets = await everySecret();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await world?.close();
});

/** The places that must have been searched, or the search proves nothing. */
const PARTS = [
  'answer to POST /api/tiktok/upload',
  'answer to GET /api/debug/events',
  'log server',
  'log worker',
  'table public.posts',
  'table public.publish_attempts',
  'table public.webhook_events',
  'history of post:',
  'history of token:',
  'history of media:',
  'history of webhook:',
];

test('no secret of the run is in histories, logs, tables and answers', async () => {
  expect(KINDS.filter((kind) => !secrets.some((secret) => secret.kind === kind))).toEqual([]);
  expect(secrets.filter(({ value }) => value.length < 16).map(({ kind }) => kind)).toEqual([]);

  const places = await everyPlace();
  const searched = (part: string): boolean =>
    places.some(({ name, content }) => name.startsWith(part) && content.length > 0);
  expect(PARTS.filter((part) => !searched(part))).toEqual([]);
  expect(find(secrets, places)).toEqual([]);
});

test('the search finds planted secrets in a table, a log, a history and an answer', async () => {
  const [token] = secrets.filter(({ kind }) => kind === 'access token');
  const [kek] = secrets.filter(({ kind }) => kind === 'key-encryption key, raw');
  if (typeof token?.value !== 'string' || !Buffer.isBuffer(kek?.value))
    throw new Error('no secrets to plant');
  const { db } = world.database;
  await db.execute(
    sql`insert into audit_log (actor, action, details) values ('test', 'planted', ${JSON.stringify({ url: `https://x/?t=${token.value}` })}::jsonb)`,
  );
  await db.execute(
    sql`insert into data_keys (kek_id, wrapped) values ('planted', ${Buffer.concat([Buffer.from([1, 2, 3]), kek.value, Buffer.from([4])])})`,
  );
  appendFileSync(
    world.logFiles[0] ?? '',
    JSON.stringify({ msg: Buffer.from(`Bearer ${token.value}`).toString('base64') }),
  );
  answers.push({ request: 'GET /planted', content: encodeURIComponent(`"${token.value}"`) });
  await world.temporal.workflow.start('planted', {
    workflowId: 'planted',
    taskQueue: 'nobody',
    args: [{ deep: { token: token.value } }],
    memo: { key: kek.value.toString('base64') },
  });
  const found = await until('the planted workflow to be listed', async () => {
    const all = find(secrets, await everyPlace());
    return all.some((finding) => finding.endsWith('history of planted')) ? all : null;
  });
  expect(found).toEqual(
    [
      'access token in answer to GET /planted',
      'access token in history of planted',
      'access token in log server-0.log',
      'access token in table public.audit_log',
      'key-encryption key in history of planted',
      'key-encryption key, raw in table public.data_keys',
      'key-encryption key, raw in history of planted',
    ].toSorted(),
  );
});

/** A run with everything that handles secrets, successful and failing. */
async function live(): Promise<void> {
  const creator = `creator_${randomUUID().slice(0, 8)}`;
  const accountId = await world.connect(creator);
  const mediaId = await world.upload();
  const { body: account } = await world.call('GET', `/api/accounts/${accountId}`);
  const expire = (openId = account.openId): Promise<unknown> =>
    world.control('POST', '/tiktok/expire-tokens', { openId });
  const publish = async (changes: Record<string, unknown> = {}): Promise<string> => {
    const accepted = await world.publish({ accountId, mediaId, allowDuplicate: true, ...changes });
    if (accepted.status !== 202) throw new Error(`not accepted: ${accepted.text}`);
    return accepted.body.id;
  };

  // Failing attempts to connect.
  await world.visitConsent({ decision: 'deny' });
  await world.fault({ endpoint: 'oauth.token:authorization_code', kind: 'truncated' });
  const lost = await world.visitConsent({ creator });
  expect(lost.answer.status).toBe(502);
  await world.call('GET', lost.callback, { key: null });
  await world.call('GET', lost.callback.replace('code=', 'code=x'), { key: null });
  // In a browser, with the result on a page.
  const visitor = createVisitor();
  const link = await world.call('POST', '/api/connect-links', { body: { provider: 'tiktok' } });
  const start = await visitor.openLink(link.body.url);
  await world.control('POST', '/consent', { decision: 'approve', creator });
  const consent = await fetch(start.location ?? '', { redirect: 'manual' });
  const end = await visitor.get(consent.headers.get('location') ?? '');
  expect((await visitor.get(end.location ?? '')).status).toBe(200);
  const other = await world.newUser();
  const second = await world.connect(`${creator}_2`, other.key);

  // Publishing, with every secret-bearing answer cut short once.
  const published = await publish();
  await world.untilPost(published, 'published');
  await expire();
  await world.fault({ endpoint: 'oauth.token:refresh_token', kind: 'html', http: 503 });
  await world.untilPost(await publish(), 'published');
  await world.fault({ endpoint: 'inbox.init', kind: 'truncated' });
  await world.fault({ endpoint: 'upload', kind: 'drop-mid', afterBytes: 1000 });
  await world.fault({ endpoint: 'upload', kind: 'status', http: 500, after: 1 });
  const large = await world.upload(paddedVideo(11_000_000));
  await world.untilPost(await publish({ mediaId: large, mode: 'inbox' }), 'delivered');
  await world.fault({ endpoint: 'upload', kind: 'status', http: 403 });
  await world.untilPost(await publish(), 'published');
  await world.control('POST', '/tiktok/fail-next', { reason: 'spam_risk_text' });
  await world.untilPost(await publish(), 'failed');
  await world.fault({ endpoint: 'video.init', kind: 'status', http: 400, code: 'invalid_params' });
  const refused = await publish();
  await world.untilPost(refused, 'failed');

  // A refresh with an unreadable answer: its post waits for the creator.
  const theirs = (await world.call('GET', `/api/accounts/${second}`, { key: other.key })).body;
  await expire(theirs.openId);
  await world.fault({ endpoint: 'oauth.token:refresh_token', kind: 'truncated' });
  const media = await world.upload(paddedVideo(400_000), other.key);
  const waiting = await world.call('POST', '/api/tiktok/upload', {
    key: other.key,
    body: { accountId: second, mediaId: media, source: 'FILE_UPLOAD', mode: 'inbox' },
  });
  await until('the post to wait', async () => {
    const { body } = await world.call('GET', `/api/posts/${waiting.body.id}`, { key: other.key });
    return body.state === 'waiting_account' ? true : null;
  });

  await failWithTexts(accountId, mediaId);

  // Webhooks of TikTok, and forged ones.
  await world.control('POST', '/tiktok/app', { clientSecret: world.app.clientSecret });
  const body = JSON.stringify({ event: 'something.new', user_openid: account.openId, content: '{}' });
  const t = Math.floor(Date.now() / 1000);
  for (const key of [webhookSecret, 'f'.repeat(48)]) {
    const signature = `t=${t},s=${createHmac('sha256', key).update(`${t}.${body}`).digest('hex')}`;
    await world.call('POST', '/api/webhooks/tiktok', {
      key: null,
      body,
      headers: { 'tiktok-signature': signature },
    });
  }

  // Invalid keys: a mistyped URL is a secret too.
  const bad = `ep_${randomBytes(24).toString('base64url')}`;
  forged.push(bad);
  await world.call('GET', '/api/accounts', { key: bad });
  await world.call('POST', '/api/users', { key: bad, body: { email: 'x@example.com' } });

  // The views of users and operators.
  const admin = { key: world.secrets.adminKey };
  for (const path of [
    '/api/accounts',
    '/api/posts',
    `/api/posts/${published}`,
    '/api/media',
    '/metrics',
    '/readyz',
    '/openapi.json',
  ])
    await world.call('GET', path);
  for (const path of [
    `accounts/${accountId}`,
    'events',
    `attempts?postId=${published}`,
    `attempts?postId=${refused}`,
  ])
    await world.call('GET', `/api/debug/${path}`, admin);

  keysAndVerifiers.push(...(await unwrapped()));
  expect((await world.call('DELETE', `/api/accounts/${accountId}`)).status).toBe(204);
  await until('the tokens to be wiped', async () => {
    const { body: state } = await world.call('GET', `/api/debug/accounts/${accountId}`, admin);
    return state.hasAccessToken || state.hasRefreshToken ? null : true;
  });
}

/** Failing queries with users' texts in their parameters, and rows refused with such texts. */
async function failWithTexts(accountId: string, mediaId: string): Promise<void> {
  const { db } = world.database;
  const refuse = (table: string, column: string, text: string): Promise<unknown> =>
    db.execute(
      `alter table ${table} add constraint refuses check (${column} is distinct from '${text}') not valid`,
    );
  const allow = (table: string): Promise<unknown> =>
    db.execute(`alter table ${table} drop constraint refuses`);

  const postInfo = { title: texts['title of a post'], privacy_level: 'PUBLIC_TO_EVERYONE' };
  await refuse('tiktok_posts', 'title', postInfo.title);
  expect((await world.publish({ accountId, mediaId, postInfo })).status).toBe(500);
  await allow('tiktok_posts');
  await db.execute(`alter table tiktok_posts rename column title to gone`);
  const later = { ...postInfo, title: texts['title of a scheduled post'] };
  expect((await world.publish({ accountId, mediaId, postInfo: later })).status).toBe(500);
  await db.execute(`alter table tiktok_posts rename column gone to title`);

  const filename = texts['name of a file'];
  await refuse('media', 'filename', filename);
  const file = { filename, contentType: 'video/mp4', size: 1000 };
  expect((await world.call('POST', '/api/media', { body: file })).status).toBe(500);
  await allow('media');

  const username = `creator_${randomUUID().slice(0, 8)}`;
  const displayName = texts['name of a creator'];
  await world.control('POST', '/tiktok/creators', { username, displayName });
  await refuse('oauth_accounts', 'display_name', displayName);
  expect((await world.visitConsent({ creator: username })).answer.status).toBe(500);
  await allow('oauth_accounts');

  const { answer } = await world.visitConsent({}, world.user.key, 'instagram');
  expect(answer.status).toBe(200);
  await refuse('ig_comments', 'text', texts.comment);
  const comment = { id: randomUUID(), text: texts.comment, media: { id: '17' }, from: { username: 'fan' } };
  await world.control('POST', '/instagram/webhooks/send', { field: 'comments', value: comment });
  const told = await until('the comment to be refused', async () => {
    const { body } = await world.call('GET', '/api/debug/events', { key: world.secrets.adminKey });
    const event = body.data.find((row: Json) => JSON.stringify(row.payload).includes(comment.id));
    return event?.errorMessage ?? null;
  });
  expect(told).toMatch(/23514.*table ig_comments.*constraint refuses/s);
  await untilFailures();
  await allow('ig_comments');
  await until('the comment to be copied', async () =>
    (await db.execute(sql`select 1 from ig_comments where text = ${texts.comment}`)).length > 0 ? true : null,
  );
}

/** The worker's log has the refused comment, and Temporal stores it as the last failure. */
async function untilFailures(): Promise<void> {
  await until('the failure to stand in the log and in Temporal', async () => {
    const log = world.logFiles.map((file) => readFileSync(file, 'utf8')).join('\n');
    const events = (await histories(world)).filter(({ name }) => name.startsWith('history of webhook:'));
    const kept = events.some(({ content }) => content.includes('ig_comments'));
    if (!kept || !/Activity failed/.test(log)) return null;
    failures.push(...events);
    return true;
  });
}

/** The histories during failing queries: the last failure disappears once an activity succeeds. */
const failures: Place[] = [];

/** Unwrapped data keys and PKCE verifiers, known only from their wrapped forms in the tables. */
const keysAndVerifiers: Secret[] = [];
async function unwrapped(): Promise<Secret[]> {
  const keys = localKeyProvider(parseKeyring(world.env.EVERPOST_KEYRING));
  const { db } = world.database;
  const dataKeys: Json[] = await db.execute(sql`select kek_id, wrapped from data_keys`);
  const installations: Json[] = await db.execute(sql`select kek_id, secret_wrapped from installation`);
  const states: Json[] = await db.execute(sql`select verifier_kek_id, verifier_wrapped from oauth_states`);
  return [
    ...(await Promise.all(
      dataKeys.map(async (row) => ({
        kind: 'data key',
        value: Buffer.from(await keys.unwrap(row.kek_id, row.wrapped)),
      })),
    )),
    ...(await Promise.all(
      installations.map(async (row) => ({
        kind: 'installation secret',
        value: Buffer.from(await keys.unwrap(row.kek_id, row.secret_wrapped)),
      })),
    )),
    ...(await Promise.all(
      states.map(async (row) => ({
        kind: 'PKCE verifier, raw',
        value: Buffer.from(await keys.unwrap(row.verifier_kek_id, row.verifier_wrapped)),
      })),
    )),
  ];
}

const KINDS = [
  'client secret',
  'secret of a Meta app',
  'webhook secret',
  'admin key',
  'key-encryption key',
  'key-encryption key, raw',
  'data key',
  'database password',
  'API key',
  'API key that is not valid',
  'connect link token',
  'OAuth state',
  'browser half of a state',
  'result token',
  'installation secret',
  'authorization code',
  'PKCE verifier',
  'PKCE verifier, raw',
  'access token',
  'refresh token',
  'upload token',
  'upload URL',
] as const;
type Kind = (typeof KINDS)[number];

/** All secrets of the run, from the settings, the recorded responses, and the sandbox's log and state. */
async function everySecret(): Promise<Secret[]> {
  const found = new Map<string, Secret>();
  const add = (kind: Kind, value: unknown): void => {
    if (typeof value === 'string' && value !== '') found.set(`${kind}:${value}`, { kind, value });
  };
  add('client secret', world.secrets.clientSecret);
  const { instagramSecret, instagramLoginSecret, threadsSecret } = world.secrets;
  for (const secret of [instagramSecret, instagramLoginSecret, threadsSecret])
    add('secret of a Meta app', secret);
  add('webhook secret', webhookSecret);
  add('admin key', world.secrets.adminKey);
  add('key-encryption key', world.secrets.kek.replace(/=+$/, ''));
  add('database password', new URL(world.env.DATABASE_URL).password);
  for (const key of forged) add('API key that is not valid', key);
  for (const { request, content } of answers) {
    if (/^POST \/api\/users\/[^/]+\/keys$/.test(request))
      add('API key', /"key":"([^"]+)"/.exec(content)?.[1]);
    if (request === 'POST /api/connect-links')
      add('connect link token', /[?&]link=([^"&]+)/.exec(content)?.[1]);
    if (request === 'POST /api/auth/tiktok') {
      add('OAuth state', /[?&]state=([^"&\s]+)/.exec(content)?.[1]);
      add('browser half of a state', /everpost-connect=([\w-]+)/.exec(content)?.[1]);
    }
    add('result token', /\/connected\/([\w-]{43})/.exec(content)?.[1]);
  }
  for (const { endpoint, path, headers, body } of await world.requests()) {
    add('access token', /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]);
    add('authorization code', body?.code);
    add('PKCE verifier', body?.code_verifier);
    add('refresh token', body?.refresh_token);
    if (endpoint === 'oauth.revoke') add('access token', body?.token);
    if (endpoint === 'upload') add('upload URL', path);
  }
  world.sandbox.core.store.flush();
  const { tiktok }: Json = JSON.parse(readFileSync(join(world.dir, 'sandbox/sandbox.json'), 'utf8'));
  for (const token of Object.keys(tiktok.accessTokens)) add('access token', token);
  for (const token of Object.keys(tiktok.refreshTokens)) add('refresh token', token);
  for (const code of Object.keys(tiktok.codes)) add('authorization code', code);
  for (const publish of Object.values<Json>(tiktok.publishes)) add('upload token', publish.upload?.token);
  return [
    ...found.values(),
    ...keysAndVerifiers,
    { kind: 'key-encryption key, raw', value: Buffer.from(world.secrets.kek, 'base64') },
    ...Object.entries(texts).map(([kind, value]) => ({ kind, value, allowed: /^(answer|table) / })),
  ];
}

/** Records every response of the product to the world, except secrets shown once on purpose. */
function recordAnswers(): void {
  const { fetch } = globalThis;
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (...args) => {
    const response = await fetch(...args);
    const url = new URL(response.url);
    if (!url.pathname.startsWith('/_sandbox') && !url.pathname.startsWith('/v2/'))
      answers.push({
        request: `${args[1]?.method ?? 'GET'} ${url.pathname}`,
        content: `${JSON.stringify([...response.headers])}\n${await response.clone().text()}`,
      });
    return response;
  });
}

/** Where a secret is shown once, because its receiver needs it. */
const SHOWN: readonly [RegExp, Kind][] = [
  [/^answer to POST \/api\/users\/[^/]+\/keys$/, 'API key'],
  [/^answer to POST \/api\/connect-links$/, 'connect link token'],
  [/^answer to GET \/api\/auth\/[a-z]+$/, 'connect link token'],
  [/^answer to POST \/api\/auth\/[a-z]+$/, 'OAuth state'],
  [/^answer to (GET|POST) \/api\/auth\/[a-z]+$/, 'browser half of a state'],
  [/^answer to GET \/api\/auth\/tiktok\/callback$/, 'result token'],
  [/^answer to GET \/connected\//, 'result token'],
];

async function everyPlace(): Promise<Place[]> {
  return [
    ...answers.map(({ request, content }) => place(`answer to ${request}`, content)),
    ...world.logFiles.map((file) => ({
      name: `log ${file.slice(world.dir.length + 1)}`,
      content: readFileSync(file),
    })),
    ...(await tables(world)),
    ...(await histories(world)),
    ...failures,
  ];
}

const place = (name: string, content: string): Place => ({ name, content: Buffer.from(content) });

/** @returns which kind of secret stands where, without the secrets */
function find(wanted: readonly Secret[], places: readonly Place[]): string[] {
  const findings = new Set<string>();
  const needles = wanted.map(({ kind, value, allowed }) => ({ kind, allowed, forms: formsOf(value) }));
  for (const { name, content } of places)
    for (const { kind, allowed, forms } of needles) {
      if (allowed?.test(name) === true) continue;
      if (SHOWN.some(([where, what]) => what === kind && where.test(name))) continue;
      if (forms.some((form) => content.includes(form))) findings.add(`${kind} in ${name}`);
    }
  return [...findings].toSorted();
}
