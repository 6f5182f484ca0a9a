import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/*
 * A tenant's objects do not exist for another tenant. The cases are generated from the API's own description, so a new
 * route is a case, and fails if it takes ids that this file does not know.
 */

interface Operation {
  /** As in "GET /api/posts/{id}". */
  name: string;
  method: string;
  path: string;
  access: 'public' | 'optional' | 'tenant' | 'admin';
  /** Where the route takes ids: "path.id", "query.accountId", "body.mediaId". */
  slots: string[];
  isList: boolean;
}

/** One tenant with its objects. */
interface Tenant {
  id: string;
  key: string;
  /** At TikTok. */
  accountId: string;
  instagramId: string;
  threadsId: string;
  mediaId: string;
  /** Published. */
  postId: string;
  publishId: string;
  /** Scheduled, so that it could still be cancelled and moved. */
  scheduledId: string;
  /** Published, at a platform that allows deletion. */
  liveId: string;
  /** An upload that is not complete. */
  uploadId: string;
  /** An upload that has not begun. */
  spareId: string;
  /** The copy of a media, and of a comment on it. */
  copyId: string;
  commentId: string;
  actionId: string;
}

interface Request {
  path: Record<string, string>;
  query: Record<string, string>;
  body: Record<string, unknown> | string | null;
  headers: Record<string, string>;
}

let world: World;
let operations: Operation[];
let owner: Tenant;
let stranger: Tenant;

beforeAll(async () => {
  const limits = { creator_info: 1000, 'video.init': 1000, status: 1000 };
  world = await createWorld({ tiktok: { limits }, env: { EVERPOST_SYNC: 'granted' } });
  operations = describeOperations((await world.call('GET', '/openapi.json', { key: null })).body);
  [owner, stranger] = await Promise.all([newTenant(world.user), newTenant(await world.newUser())]);
});
afterAll(() => world?.close());

async function newTenant({ id, key }: { id: string; key: string }): Promise<Tenant> {
  const accountId = await connect(key);
  const instagramId = await connect(key, 'instagram');
  const threadsId = await connect(key, 'threads');
  const mediaId = await world.upload(undefined, key);
  const publish = async (more: Record<string, unknown>): Promise<string> => {
    const body = { accountId, mediaId, source: 'FILE_UPLOAD', mode: 'inbox', allowDuplicate: true, ...more };
    const { status, body: post } = await world.call('POST', '/api/tiktok/upload', { key, body });
    expect(status).toBe(202);
    return post.id;
  };
  const scheduledId = await publish({ scheduledAt: soon() });
  const postId = await publish({});
  const publishId = await until('the post to be delivered', async () => {
    const { body } = await world.call('GET', `/api/posts/${postId}`, { key });
    return body.state === 'delivered' ? String(body.publishId) : null;
  });
  const text = { accountId: threadsId, mediaType: 'TEXT', postInfo: { text: 'live' } };
  const { body: live } = await world.call('POST', '/api/threads/publish', { key, body: text });
  await until('the text to be live', async () => {
    const { body } = await world.call('GET', `/api/posts/${live.id}`, { key });
    return body.state === 'published' ? true : null;
  });
  const upload = { filename: 'v.mp4', contentType: 'video/mp4', size: 100 };
  const { body } = await world.call('POST', '/api/media', { key, body: upload });
  const spare = await world.call('POST', '/api/media', { key, body: upload });
  return {
    id,
    key,
    accountId,
    instagramId,
    threadsId,
    mediaId,
    postId,
    publishId,
    scheduledId,
    liveId: live.id,
    uploadId: body.id,
    spareId: spare.body.id,
    ...(await copies(threadsId)),
  };
}

/** What sync would have copied. */
async function copies(accountId: string): Promise<{ copyId: string; commentId: string; actionId: string }> {
  const [media] = await world.database.db.execute<{ id: string }>(sql`
    insert into threads_media (user_id, oauth_account_id, threads_id, text)
    select user_id, id, 'post of ' || id, 'copied' from oauth_accounts where id = ${accountId} returning id`);
  const [comment] = await world.database.db.execute<{ id: string }>(sql`
    insert into threads_replies (user_id, oauth_account_id, threads_id, root_id, text)
    select user_id, id, 'reply to ' || id, 'post of ' || id, 'copied' from oauth_accounts where id = ${accountId}
    returning id`);
  await world.database.db.execute(sql`
    insert into media_insights (user_id, oauth_account_id, subject_id, metric, value, taken_at, source)
    select user_id, id, 'post of ' || id, 'views', 7, now(), 'insights' from oauth_accounts where id = ${accountId}`);
  await world.database.db.execute(sql`
    insert into account_insights (user_id, oauth_account_id, metric, period, value, read_at)
    select user_id, id, 'followers', 'lifetime', 7, now() from oauth_accounts where id = ${accountId}`);
  const [action] = await world.database.db.execute<{ id: string }>(sql`
    insert into comment_actions (user_id, oauth_account_id, kind, subject, request_hash, state)
    select user_id, id, 'hide', ${comment?.id}, '', 'done' from oauth_accounts where id = ${accountId} returning id`);
  return { copyId: media?.id ?? '', commentId: comment?.id ?? '', actionId: action?.id ?? '' };
}

/** Both tenants have the same creator, so that only the tenant decides about ownership. */
let connecting: Promise<unknown> = Promise.resolve();
function connect(key: string, provider = 'tiktok'): Promise<string> {
  const connected = connecting.then(async () => {
    if (provider === 'tiktok') return world.connect('sandbox_creator', key);
    const { answer } = await world.visitConsent({}, key, provider);
    return String(answer.body.accounts[0].id);
  });
  connecting = connected;
  return connected;
}

const soon = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** The tenant's id for a slot. A slot missing here fails its test. */
const IDS: Record<string, (tenant: Tenant) => string> = {
  'GET /api/accounts/{id} path.id': (tenant) => tenant.accountId,
  'DELETE /api/accounts/{id} path.id': (tenant) => tenant.accountId,
  'GET /api/accounts/{id}/sync path.id': (tenant) => tenant.accountId,
  'POST /api/accounts/{id}/sync path.id': (tenant) => tenant.accountId,
  'GET /api/accounts/{id}/comments path.id': (tenant) => tenant.threadsId,
  'GET /api/accounts/{id}/profile path.id': (tenant) => tenant.threadsId,
  'GET /api/accounts/{id}/media path.id': (tenant) => tenant.threadsId,
  'GET /api/accounts/{id}/insights path.id': (tenant) => tenant.threadsId,
  'GET /api/media-copies/{id} path.id': (tenant) => tenant.copyId,
  'GET /api/media-copies/{id}/comments path.id': (tenant) => tenant.copyId,
  'GET /api/media-copies/{id}/insights path.id': (tenant) => tenant.copyId,
  'POST /api/comments/{id}/reply path.id': (tenant) => tenant.commentId,
  'POST /api/comments/{id}/hide path.id': (tenant) => tenant.commentId,
  'POST /api/comments/{id}/unhide path.id': (tenant) => tenant.commentId,
  'POST /api/comments/{id}/delete path.id': (tenant) => tenant.commentId,
  'POST /api/comments/{id}/like path.id': (tenant) => tenant.commentId,
  'POST /api/comments/{id}/unlike path.id': (tenant) => tenant.commentId,
  'POST /api/comments/{id}/approve path.id': (tenant) => tenant.commentId,
  'POST /api/comments/{id}/ignore path.id': (tenant) => tenant.commentId,
  'GET /api/comment-actions/{id} path.id': (tenant) => tenant.actionId,
  'GET /api/comments query.accountId': (tenant) => tenant.threadsId,
  'GET /api/media/{id} path.id': (tenant) => tenant.mediaId,
  'DELETE /api/media/{id} path.id': (tenant) => tenant.spareId,
  'HEAD /api/media/{id}/upload path.id': (tenant) => tenant.uploadId,
  'PATCH /api/media/{id}/upload path.id': (tenant) => tenant.uploadId,
  'DELETE /api/media/{id}/upload path.id': (tenant) => tenant.uploadId,
  'GET /api/tiktok/creator-info query.accountId': (tenant) => tenant.accountId,
  'POST /api/tiktok/upload body.accountId': (tenant) => tenant.accountId,
  'POST /api/tiktok/upload body.mediaId': (tenant) => tenant.mediaId,
  'GET /api/tiktok/status/{publishId} path.publishId': (tenant) => tenant.publishId,
  'POST /api/instagram/publish body.accountId': (tenant) => tenant.instagramId,
  'POST /api/instagram/publish body.mediaId': (tenant) => tenant.mediaId,
  'POST /api/instagram/publish body.children.mediaId': (tenant) => tenant.mediaId,
  'GET /api/instagram/limits query.accountId': (tenant) => tenant.instagramId,
  'POST /api/threads/publish body.accountId': (tenant) => tenant.threadsId,
  'POST /api/threads/publish body.mediaId': (tenant) => tenant.mediaId,
  'POST /api/threads/publish body.children.mediaId': (tenant) => tenant.mediaId,
  'POST /api/threads/publish body.replies.mediaId': (tenant) => tenant.mediaId,
  'POST /api/threads/publish body.replies.children.mediaId': (tenant) => tenant.mediaId,
  'GET /api/threads/limits query.accountId': (tenant) => tenant.threadsId,
  'GET /api/posts/{id} path.id': (tenant) => tenant.scheduledId,
  'PATCH /api/posts/{id} path.id': (tenant) => tenant.scheduledId,
  'POST /api/posts/{id}/cancel path.id': (tenant) => tenant.scheduledId,
  'GET /api/posts/{id}/events path.id': (tenant) => tenant.postId,
  'DELETE /api/posts/{id} path.id': (tenant) => tenant.liveId,
};

/** The other parts of a valid request. */
const REST: Record<string, Partial<Request>> = {
  'POST /api/comments/{id}/reply': { body: { text: 'thanks' }, headers: { 'idempotency-key': 'a-reply' } },
  'HEAD /api/media/{id}/upload': { headers: { 'tus-resumable': '1.0.0' } },
  'DELETE /api/media/{id}/upload': { headers: { 'tus-resumable': '1.0.0' } },
  'PATCH /api/media/{id}/upload': {
    body: 'bytes',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
  },
  'POST /api/instagram/publish': {
    body: { mediaType: 'REELS', postInfo: {}, scheduledAt: soon(), allowDuplicate: true },
  },
  'POST /api/threads/publish': {
    body: { mediaType: 'VIDEO', postInfo: {}, scheduledAt: soon(), allowDuplicate: true },
  },
  'PATCH /api/posts/{id}': { body: { scheduledAt: soon() } },
  'POST /api/tiktok/upload': {
    body: { source: 'FILE_UPLOAD', mode: 'inbox', scheduledAt: soon(), allowDuplicate: true },
  },
};

/** A tenant's valid request for its own objects. */
function requestOf({ name, slots }: Operation, tenant: Tenant): Request {
  const request: Request = {
    path: { provider: 'tiktok' },
    query: {},
    headers: {},
    body: null,
    ...structuredClone(REST[name] ?? {}),
  };
  for (const slot of slots.filter((one) => !OPTIONAL.test(one))) {
    const id = IDS[`${name} ${slot}`];
    if (id === undefined) throw new Error(`isolation.test.ts does not know the ids of ${name} ${slot}`);
    put(request, slot, id(tenant));
  }
  return request;
}

/** A request for one of a tenant's lists. */
function listOf({ name, slots }: Operation, tenant: Tenant, query: Record<string, string>): Request {
  const request: Request = { path: {}, query, body: null, headers: {} };
  for (const slot of slots.filter((one) => one.startsWith('path.')))
    put(request, slot, IDS[`${name} ${slot}`]?.(tenant) ?? '');
  return request;
}

/** Files of a carousel or of a reply: not every post has them. */
const OPTIONAL = /^body\.(children|replies)\./;

function put(request: Request, slot: string, id: string): void {
  const [place = '', name = ''] = slot.split(/\.(.*)/s);
  if (OPTIONAL.test(slot) && typeof request.body === 'object') {
    request.body = withFile(request.body ?? {}, name, id);
    return;
  }
  if (place === 'path') request.path[name] = id;
  else if (place === 'query') request.query[name] = id;
  else if (typeof request.body === 'object') request.body = { ...request.body, [name]: id };
}

/** The body with this file at that place, as in "replies.children.mediaId". */
function withFile(body: Record<string, unknown>, place: string, id: string): Record<string, unknown> {
  const [first = '', rest = ''] = place.split(/\.(.*)/s);
  if (first === 'replies') return { ...body, replies: [withFile({ mediaType: 'VIDEO' }, rest, id)] };
  const { mediaId: _one, ...others } = body;
  return first === 'children'
    ? { ...others, mediaType: 'CAROUSEL', children: [{ mediaId: id }, { mediaId: id }] }
    : { ...others, mediaId: id };
}

async function send({ method, path }: Operation, request: Request, key: string | null): Promise<Answer> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(request.path[name] ?? randomUUID()),
  );
  const query = new URLSearchParams(request.query).toString();
  return world.call(method, `${filled}${query === '' ? '' : `?${query}`}`, {
    key,
    headers: request.headers,
    ...(request.body === null ? {} : { body: request.body }),
  });
}

/** An answer without the requested id and the request's own id. */
function withoutIds({ status, headers, text }: Answer, id: string): Json {
  const requestId = headers.get('x-request-id') ?? 'none';
  const told = text.replaceAll(requestId, 'REQUEST').replaceAll(id, 'ID');
  return { status, type: headers.get('content-type'), text: told };
}

const named = (access: Operation['access'][]): Operation[] =>
  operations.filter((operation) => access.includes(operation.access));

test('the description has routes of every kind', () => {
  expect(named(['tenant']).length).toBeGreaterThan(12);
  expect(named(['admin']).length).toBeGreaterThan(4);
  expect(named(['optional']).map(({ name }) => name)).toEqual([
    'GET /api/auth/{provider}',
    'POST /api/auth/{provider}',
  ]);
  // A route must become public on purpose only.
  expect(new Set(named(['public']).map(({ name }) => name))).toEqual(
    new Set([
      'GET /livez',
      'GET /readyz',
      'GET /metrics',
      'GET /api/auth/{provider}/callback',
      'GET /connected/{token}',
      'POST /api/webhooks/{provider}',
      'GET /api/webhooks/{provider}',
      'POST /api/webhooks/{provider}/deauthorize',
      'POST /api/webhooks/{provider}/data-deletion',
      'GET /api/data-deletion/{code}',
      'GET /media/{id}/file',
    ]),
  );
  // Ids in this file that no route takes any more are also errors.
  const slots = named(['tenant']).flatMap(({ name, slots: all }) => all.map((slot) => `${name} ${slot}`));
  expect(new Set(slots)).toEqual(new Set(Object.keys(IDS)));
});

test('every route answers another tenant’s id like an unknown one', async () => {
  const before = await belongings(owner);
  let asked = 0;
  for (const operation of named(['tenant', 'optional'])) {
    for (const slot of operation.slots) {
      const foreign = requestOf(operation, stranger);
      const theirs = IDS[`${operation.name} ${slot}`]?.(owner) ?? '';
      put(foreign, slot, theirs);
      const missing = requestOf(operation, stranger);
      const nowhere = slot.endsWith('publishId') ? `v_inbox_file~v2.${'7'.repeat(19)}` : randomUUID();
      put(missing, slot, nowhere);
      const one = withoutIds(await send(operation, foreign, stranger.key), theirs);
      const two = withoutIds(await send(operation, missing, stranger.key), nowhere);
      expect({ route: operation.name, slot, ...one }).toEqual({ route: operation.name, slot, ...two });
      expect({ route: operation.name, slot, status: one.status }).toMatchObject({ status: 404 });
      asked += 1;
    }
  }
  expect(asked).toBe(Object.keys(IDS).length);
  // And the owner's objects are unchanged.
  expect(await belongings(owner)).toEqual(before);
});

test('the same requests work for their owners', async () => {
  const tenants = named(['tenant']).toSorted((a, b) => destruction(a.name) - destruction(b.name));
  for (const operation of tenants.filter(({ slots }) => slots.length > 0)) {
    if (operation.name.startsWith('DELETE /api/accounts/')) continue;
    // These comments are at no platform: moderation.test.ts has others.
    if (operation.name.startsWith('POST /api/comments/')) continue;
    const { status, text } = await send(operation, requestOf(operation, stranger), stranger.key);
    expect({ route: operation.name, status, text: status < 300 ? '' : text }).toEqual({
      route: operation.name,
      status: expect.toSatisfy((code: number) => code >= 200 && code < 300),
      text: '',
    });
  }
});

test('lists contain only the tenant’s own rows', async () => {
  const lists = named(['tenant']).filter(({ isList }) => isList);
  expect(lists.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['GET /api/accounts', 'GET /api/posts']),
  );
  for (const list of lists) {
    const query = { limit: '200' };
    const { status, body, text } = await send(list, listOf(list, stranger, query), stranger.key);
    expect({ route: list.name, status }).toEqual({ route: list.name, status: 200 });
    expect(body.data.length).toBeGreaterThan(0);
    for (const id of Object.values(owner))
      expect({ route: list.name, shows: text.includes(id) ? id : null }).toMatchObject({ shows: null });
    const theirs = await send(list, listOf(list, owner, query), owner.key);
    const shown = body.data.map((row: Json) => row.id);
    // Numbers have no ids.
    const ids = theirs.body.data.flatMap(({ id }: Json) => id ?? []);
    for (const id of ids) expect(shown).not.toContain(id);
  }
});

test('another tenant’s cursor reveals nothing', async () => {
  for (const list of named(['tenant']).filter(({ isList }) => isList)) {
    const { body } = await send(list, listOf(list, owner, { limit: '1' }), owner.key);
    if (body.nextCursor === null) continue;
    const used = listOf(list, stranger, { cursor: String(body.nextCursor) });
    const { status, text } = await send(list, used, stranger.key);
    // The cursor of a list of one account belongs to that list.
    const isOfAll = list.slots.every((slot) => !slot.startsWith('path.'));
    expect({ list: list.name, status }).toEqual({ list: list.name, status: isOfAll ? 200 : 400 });
    for (const id of Object.values(owner)) expect(text).not.toContain(id);
  }
});

describe('keys', () => {
  const uuids: Request = { path: { provider: 'tiktok' }, query: {}, body: null, headers: {} };

  test('are required: every route that is not public returns 401 without one', async () => {
    for (const operation of named(['tenant', 'admin', 'optional'])) {
      for (const key of [null, 'ep_wrong', `ep_${'A'.repeat(43)}`]) {
        const answer = await send(operation, uuids, key);
        expect({ route: operation.name, key, status: answer.status }).toEqual({
          route: operation.name,
          key,
          status: 401,
        });
      }
    }
  });

  test('of a tenant do not open the operator’s routes', async () => {
    for (const operation of named(['admin'])) {
      const { status } = await send(operation, uuids, owner.key);
      expect({ route: operation.name, status }).toEqual({ route: operation.name, status: 403 });
    }
  });

  test('of the operator belong to no tenant', async () => {
    for (const operation of named(['tenant'])) {
      const { status } = await send(operation, uuids, world.secrets.adminKey);
      expect({ route: operation.name, status }).toEqual({ route: operation.name, status: 403 });
    }
    const start = await world.call('GET', '/api/auth/tiktok', { key: world.secrets.adminKey });
    expect(start.status).toBe(401);
  });

  test('can be revoked only under their own user', async () => {
    const admin = { key: world.secrets.adminKey };
    const { body } = await world.call('POST', `/api/users/${owner.id}/keys`, {
      ...admin,
      body: { name: 'x' },
    });
    const wrong = await world.call('DELETE', `/api/users/${stranger.id}/keys/${body.id}`, admin);
    expect(wrong.status).toBe(404);
    expect((await world.call('GET', '/api/posts', { key: body.key })).status).toBe(200);
  });
});

/** Destructive requests come last. */
function destruction(name: string): number {
  return ['DELETE', 'POST /api/posts/{id}/cancel'].findIndex((start) => name.startsWith(start));
}

/** Everything that the request could have changed. */
async function belongings({
  key,
  accountId,
  mediaId,
  postId,
  scheduledId,
  uploadId,
  spareId,
}: Tenant): Promise<Json> {
  const paths = [
    `/api/accounts/${accountId}`,
    `/api/media/${mediaId}`,
    `/api/media/${uploadId}`,
    `/api/media/${spareId}`,
    `/api/posts/${postId}`,
    `/api/posts/${scheduledId}`,
    '/api/posts',
    '/api/accounts',
  ];
  const read = paths.map(async (path) => (await world.call('GET', path, { key })).body);
  const head = await world.call('HEAD', `/api/media/${uploadId}/upload`, {
    key,
    headers: { 'tus-resumable': '1.0.0' },
  });
  return [await Promise.all(read), head.headers.get('upload-offset')];
}

function describeOperations(description: Json): Operation[] {
  const resolve = (schema: Json): Json =>
    typeof schema?.$ref === 'string'
      ? schema.$ref
          .slice(2)
          .split('/')
          .reduce((at: Json, part: string) => at[part], description)
      : (schema ?? {});
  return Object.entries<Json>(description.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => {
      const parameters: Json[] = (operation.parameters ?? []).map(resolve);
      const body = resolve(operation.requestBody?.content?.['application/json']?.schema);
      const list = resolve(operation.responses['200']?.content?.['application/json']?.schema);
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        access: accessOf(operation.security ?? []),
        slots: [
          ...parameters
            .filter(({ in: place, name }) => place === 'path' && name !== 'provider')
            .map(({ name }) => `path.${name}`),
          ...parameters
            .filter(({ in: place, name }) => place === 'query' && namesId(name))
            .map(({ name }) => `query.${name}`),
          ...propertiesOf(body, resolve)
            .filter((name) => namesId(name) && !THEIRS.test(name))
            .map((name) => `body.${name}`),
        ],
        // The list of an account's streams has only one page.
        isList:
          Object.keys(list.properties ?? {}).includes('nextCursor') &&
          (operation.parameters ?? []).some(({ name }: Json) => name === 'cursor'),
      };
    }),
  );
}

/** Fields below it are passed to the provider: ids there are the provider's. */
const THEIRS = /(^|\.)postInfo\./;

/** Names of a body's fields, nested ones with dots. */
function propertiesOf(schema: Json, resolve: (schema: Json) => Json): string[] {
  const { properties = {}, items } = resolve(schema);
  const nested = items === undefined ? [] : propertiesOf(items, resolve);
  return [
    ...nested,
    ...Object.entries<Json>(properties).flatMap(([name, property]) => [
      name,
      ...propertiesOf(property, resolve).map((inner) => `${name}.${inner}`),
    ]),
  ];
}

/** `mediaId`, `media_id`, `ids`, `cover.mediaId`; not `invalid`. */
function namesId(name: string): boolean {
  return /(^|[a-z]I|_i|\.i|^i)ds?$/.test(name) && !name.endsWith('alid');
}

function accessOf(security: Json[]): Operation['access'] {
  const names = security.map((entry) => Object.keys(entry));
  if (names.length === 0) return 'public';
  if (names.some((schemes) => schemes.length === 0)) return 'optional';
  return names.some((schemes) => schemes.includes('apiKey')) ? 'tenant' : 'admin';
}
