import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { buildApp } from '../api/app.ts';
import { readConfig } from '../config.ts';
import { createEnvelope } from '../crypto/envelope.ts';
import { localKeyProvider } from '../crypto/keys.ts';
import { createMediaLinks } from '../crypto/media-links.ts';
import { openMediaStore } from '../media/open.ts';
import { createProviders } from '../providers/index.ts';
import { jpeg } from '../sandbox/testing/media.ts';
import { createWorld, sampleVideo, tusUpload, until, type Answer, type Json, type World } from './world.ts';

/* The API as clients rely on it: keys, envelopes, limits, lists, and the life of a post. */

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const DAY = 86_400;

let world: World;
let accountId: string;
let mediaId: string;
let admin: string;
/** The statuses that this file received, for example "GET 404 /api/posts/7". */
const answered = new Set<string>();
beforeAll(async () => {
  const limits = { creator_info: 1000, 'video.init': 1000, status: 1000 };
  world = await createWorld({ tiktok: { limits, dailyPostCap: 1000 } });
  admin = world.secrets.adminKey;
  const { call } = world;
  world.call = async (method, path, init) => {
    const answer = await call(method, path, init);
    answered.add(`${method} ${answer.status} ${new URL(path, world.url).pathname}`);
    return answer;
  };
  accountId = await world.connect();
  mediaId = await world.upload();
});
afterAll(() => world?.close());

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const email = (): string => `${randomUUID()}@example.com`;
const newKey = (body: Json, userId = world.user.id): Promise<Answer> =>
  world.call('POST', `/api/users/${userId}/keys`, { key: admin, body: { name: 'test', ...body } });
const scheduled = (
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> => world.publish({ accountId, mediaId, scheduledAt: inSeconds(3600), ...more }, headers);

/** The Allow header for a method that a path does not support. */
async function methodsOf(method: string, path: string): Promise<string | null> {
  const answer = await world.call(method, path, { body: method === 'GET' ? undefined : '{' });
  expectRefusal(answer, 405, 'method_not_allowed');
  return answer.headers.get('allow');
}

/** Every error has the same format. */
function expectRefusal(answer: Answer, status: number, code: string): Json {
  expect({ status: answer.status, code: answer.body?.error?.code }).toEqual({ status, code });
  expect(Object.keys(answer.body)).toEqual(['error']);
  expect(answer.body.error).toEqual({
    code,
    message: expect.stringMatching(/\w/),
    userMessage: expect.stringMatching(/\w/),
    retryable: expect.any(Boolean),
    details: expect.any(Object),
    requestId: answer.headers.get('x-request-id'),
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  return answer.body.error;
}

const fieldsOf = (answer: Answer): string[] =>
  answer.body.error.details.fields.map(({ field }: Json): string => field);

describe('users and keys', () => {
  test('only the operator can create', async () => {
    const made = await world.call('POST', '/api/users', { key: admin, body: { email: email() } });
    expect(made.status).toBe(201);
    expect(Object.keys(made.body).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['email', 'id']);
    for (const path of ['/api/users', `/api/users/${made.body.id}/keys`]) {
      const body = { email: email(), name: 'x' };
      expectRefusal(await world.call('POST', path, { body }), 403, 'forbidden');
      expectRefusal(await world.call('POST', path, { key: null, body }), 401, 'unauthenticated');
    }
  });

  test('the admin key belongs to no tenant', async () => {
    expectRefusal(await world.call('GET', '/api/posts', { key: admin }), 403, 'forbidden');
  });

  test('each address belongs to one user only', async () => {
    const body = { email: email() };
    const first = await world.call('POST', '/api/users', { key: admin, body });
    const again = await world.call('POST', '/api/users', { key: admin, body });
    expect(expectRefusal(again, 409, 'email_taken').details).toEqual({ userId: first.body.id });
    expectRefusal(
      await world.call('POST', '/api/users', { key: admin, body: { email: 'nobody' } }),
      400,
      'invalid_request',
    );
  });

  test('a key needs an existing user', async () => {
    expectRefusal(await newKey({}, randomUUID()), 404, 'user_not_found');
    expectRefusal(await newKey({}, 'me'), 404, 'not_found');
  });

  test('a key works until it expires or is revoked, and is stored as a hash', async () => {
    const live = await newKey({ expiresAt: inSeconds(DAY) });
    const { id, key, prefix } = live.body;
    expect(live.status).toBe(201);
    expect(live.body).toMatchObject({ name: 'test', scopes: expect.arrayContaining(['posts:write']) });
    expect(key.startsWith(prefix)).toBe(true);
    expect((await world.call('GET', '/api/posts', { key })).status).toBe(200);
    const rows = await world.database.db.execute(sql`select * from api_keys where id = ${id}`);
    expect(JSON.stringify(rows)).not.toContain(key);

    await world.database.db.execute(sql`update api_keys set expires_at = now() where id = ${id}`);
    const late = await world.call('GET', '/api/posts', { key });
    expectRefusal(late, 401, 'unauthenticated');
    expect(late.headers.get('www-authenticate')).toBe('Bearer');

    const other = (await newKey({})).body;
    const revoke = `/api/users/${world.user.id}/keys/${other.id}`;
    expect((await world.call('DELETE', revoke, { key: admin })).status).toBe(204);
    expectRefusal(await world.call('GET', '/api/posts', { key: other.key }), 401, 'unauthenticated');
    expect((await world.call('DELETE', revoke, { key: admin })).status).toBe(204);
    expectRefusal(
      await world.call('DELETE', `/api/users/${world.user.id}/keys/${randomUUID()}`, { key: admin }),
      404,
      'not_found',
    );
  });

  test.each([
    ['absent', {}],
    ['wrong', { authorization: `Bearer ep_${'A'.repeat(43)}` }],
    ['nonsense', { authorization: 'Bearer' }],
    ['Basic', { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }],
  ])('%s: 401', async (_what, headers) => {
    expectRefusal(
      await world.call('GET', '/api/accounts', { key: null, headers: { ...headers } }),
      401,
      'unauthenticated',
    );
  });

  test('a key can do what its scopes allow', async () => {
    const { key } = (await newKey({ scopes: ['posts:read'] })).body;
    expect((await world.call('GET', '/api/posts', { key })).status).toBe(200);
    const refused: [string, string, string][] = [
      ['GET', '/api/accounts', 'accounts:read'],
      ['DELETE', `/api/accounts/${accountId}`, 'accounts:write'],
      ['POST', '/api/connect-links', 'accounts:write'],
      ['GET', '/api/auth/tiktok', 'accounts:write'],
      ['POST', '/api/media', 'media:write'],
      ['GET', `/api/media/${mediaId}`, 'media:read'],
      ['POST', '/api/tiktok/upload', 'posts:write'],
      ['POST', `/api/posts/${randomUUID()}/cancel`, 'posts:write'],
      ['GET', `/api/tiktok/creator-info?accountId=${accountId}`, 'accounts:read'],
      ...['profile', 'media', 'comments', 'insights', 'sync'].map((what): [string, string, string] => [
        'GET',
        `/api/accounts/${accountId}/${what}`,
        'content:read',
      ]),
      ['POST', `/api/accounts/${accountId}/sync`, 'content:read'],
      ['GET', '/api/comments', 'content:read'],
      ...['', '/comments', '/insights'].map((what): [string, string, string] => [
        'GET',
        `/api/media-copies/${randomUUID()}${what}`,
        'content:read',
      ]),
      ['GET', `/api/comment-actions/${randomUUID()}`, 'content:read'],
      ...['reply', 'hide', 'unhide', 'delete', 'like', 'unlike', 'approve', 'ignore'].map(
        (kind): [string, string, string] => [
          'POST',
          `/api/comments/${randomUUID()}/${kind}`,
          'comments:write',
        ],
      ),
    ];
    for (const [method, path, scope] of refused) {
      const answer = await world.call(method, path, { key });
      expect(expectRefusal(answer, 403, 'insufficient_scope').details).toEqual({ scope });
    }
  });

  test('invalid scopes and expiry times are refused', async () => {
    expectRefusal(await newKey({ scopes: ['posts:all'] }), 400, 'invalid_request');
    expectRefusal(await newKey({ scopes: [] }), 400, 'invalid_request');
    expectRefusal(await newKey({ expiresAt: inSeconds(-60) }), 422, 'invalid_expiry');
    expectRefusal(await newKey({ expiresAt: 'tomorrow' }), 400, 'invalid_request');
  });
});

describe('an Idempotency-Key', () => {
  const routes: [string, () => { path: string; key?: string; body: Json; other: Json }][] = [
    [
      'POST /api/users',
      () => ({ path: '/api/users', key: admin, body: { email: email() }, other: { email: email() } }),
    ],
    [
      'POST /api/users/:id/keys',
      () => ({
        path: `/api/users/${world.user.id}/keys`,
        key: admin,
        body: { name: 'a' },
        other: { name: 'b' },
      }),
    ],
    [
      'POST /api/connect-links',
      () => ({
        path: '/api/connect-links',
        body: { provider: 'tiktok' },
        other: { provider: 'tiktok', returnTo: 'https://app.example/' },
      }),
    ],
    [
      'POST /api/media',
      () => ({
        path: '/api/media',
        body: { filename: 'a.mp4', contentType: 'video/mp4', size: 10 },
        other: { filename: 'a.mp4', contentType: 'video/mp4', size: 11 },
      }),
    ],
    [
      'POST /api/tiktok/upload',
      () => {
        const body = {
          accountId,
          mediaId,
          source: 'FILE_UPLOAD',
          mode: 'inbox',
          scheduledAt: inSeconds(3600),
          postInfo: { title: randomUUID() },
        };
        return { path: '/api/tiktok/upload', body, other: { ...body, mode: 'direct' } };
      },
    ],
  ];

  test.each(routes)(
    'at %s: the same body returns the same answer, another body 422',
    async (_route, make) => {
      const { path, body, other, ...caller } = make();
      const headers = { 'idempotency-key': randomUUID() };
      const first = await world.call('POST', path, { ...caller, body, headers });
      expect(first.status).toBeLessThan(300);
      expect(first.headers.get('idempotency-replayed')).toBeNull();
      // The order of keys does not matter.
      const turned = Object.fromEntries(Object.entries(body).toReversed());
      const again = await world.call('POST', path, { ...caller, body: turned, headers });
      expect(again.status).toBe(first.status);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(stable(again.body)).toEqual(stable(first.body));
      const changed = await world.call('POST', path, { ...caller, body: other, headers });
      expectRefusal(changed, 422, 'idempotency_key_reused');
    },
  );

  test('belongs to one tenant only', async () => {
    const other = await world.newUser();
    const headers = { 'idempotency-key': randomUUID() };
    const body = { filename: 'a.mp4', contentType: 'video/mp4', size: 10 };
    const mine = await world.call('POST', '/api/media', { body, headers });
    const theirs = await world.call('POST', '/api/media', { key: other.key, body, headers });
    expect(theirs.headers.get('idempotency-replayed')).toBeNull();
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test('creates one post when sent ten times at once', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const body = { accountId, mediaId, scheduledAt: inSeconds(3600), postInfo: undefined, mode: 'inbox' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.publish(body, headers)));
    // The ten requests have the same body, scheduled time included.
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    const fresh = answers.filter((answer) => answer.headers.get('idempotency-replayed') === null);
    expect(fresh).toHaveLength(1);
  });

  test('must be valid header text', async () => {
    for (const bad of ['with space', 'x'.repeat(256)])
      expectRefusal(
        await world.call('POST', '/api/users', {
          key: admin,
          body: { email: email() },
          headers: { 'idempotency-key': bad },
        }),
        400,
        'invalid_request',
      );
  });
});

describe('a request', () => {
  const media = { filename: 'a.mp4', contentType: 'video/mp4', size: 10 };

  test('with unknown fields is refused, and the error names them', async () => {
    const body = { ...media, colour: 'red', sizes: 1 };
    const answer = await world.call('POST', '/api/media', { body });
    expectRefusal(answer, 400, 'unknown_field');
    expect(fieldsOf(answer)).toEqual(expect.arrayContaining(['colour', 'sizes']));
    const post = await scheduled({ postInfo: { privacy_level: 'SELF_ONLY', privacyLevel: 'SELF_ONLY' } });
    expectRefusal(post, 400, 'unknown_field');
    expect(fieldsOf(post)).toEqual(['postInfo.privacyLevel']);
    expectRefusal(await world.call('GET', '/api/posts?page=2'), 400, 'unknown_field');
  });

  test('without a required field is refused, and the error names it', async () => {
    const answer = await world.call('POST', '/api/media', { body: { filename: 'a.mp4' } });
    expectRefusal(answer, 400, 'invalid_request');
    expect(fieldsOf(answer)).toEqual(expect.arrayContaining(['contentType', 'size']));
  });

  test.each([
    [{ size: '12' }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ size: null }, 'size'],
    [{ size: true }, 'size'],
    [{ size: 0 }, 'size'],
    [{ size: 5e9 }, 'size'],
    [{ filename: 7 }, 'filename'],
    [{ filename: '../etc/passwd' }, 'filename'],
    [{ contentType: 'text/html' }, 'contentType'],
  ])('is not coerced: %j', async (change, field) => {
    const answer = await world.call('POST', '/api/media', { body: { ...media, ...change } });
    expectRefusal(answer, 400, 'invalid_request');
    expect(fieldsOf(answer)).toContain(field);
  });

  test.each([
    [{ allowDuplicate: 'true' }, 'allowDuplicate'],
    [{ mode: 'both' }, 'mode'],
    [{ onQuota: 'retry' }, 'onQuota'],
    [{ postInfo: { privacy_level: 'PUBLIC_TO_EVERYONE', disable_comment: 1 } }, 'postInfo.disable_comment'],
    [{ accountId: 7 }, 'accountId'],
  ])('to publish is not coerced: %j', async (change, field) => {
    const answer = await scheduled(change);
    expectRefusal(answer, 400, 'invalid_request');
    expect(fieldsOf(answer)).toContain(field);
  });

  test('with invalid JSON is refused', async () => {
    for (const body of ['{"filename":', 'x', ''])
      expectRefusal(await world.call('POST', '/api/media', { body }), 400, 'malformed_json');
    for (const body of ['[]', '"x"', 'null', '7'])
      expectRefusal(await world.call('POST', '/api/media', { body }), 400, 'invalid_request');
  });

  test('with a prototype in its body changes nothing', async () => {
    const body = '{"__proto__":{"size":1},"filename":"a.mp4","contentType":"video/mp4"}';
    expect((await world.call('POST', '/api/media', { body })).status).toBe(400);
  });

  test('with another content type gets 415', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
      const answer = await world.call('POST', '/api/media', {
        body: JSON.stringify(media),
        headers: { 'content-type': type },
      });
      expectRefusal(answer, 415, 'unsupported_media_type');
      expect(answer.body.error.message).toContain('send content-type: application/json');
    }
    const utf8 = { 'content-type': 'application/json; charset=utf-8' };
    expect((await world.call('POST', '/api/media', { body: media, headers: utf8 })).status).toBe(201);
  });

  test('that is too large gets 413', async () => {
    const body = { ...media, filename: 'x'.repeat(300_000) };
    expectRefusal(await world.call('POST', '/api/media', { body }), 413, 'body_too_large');
  });

  test('to an unknown URL gets 404 in the same envelope', async () => {
    expectRefusal(await world.call('GET', '/api/nothing'), 404, 'route_not_found');
    expectRefusal(await world.call('GET', '/api/posts/7'), 404, 'not_found');
    expect((await world.call('GET', '/api/%zz')).status).toBe(400);
  });

  test('with an unsupported method gets 405, and Allow lists the supported ones', async () => {
    expect(await methodsOf('DELETE', '/api/posts')).toBe('GET, HEAD');
    expect(await methodsOf('PUT', `/api/posts/${randomUUID()}`)).toBe('DELETE, GET, HEAD, PATCH');
    expect(await methodsOf('PROPFIND', `/api/posts/${randomUUID()}/cancel`)).toBe('POST');
    expect(await methodsOf('GET', '/api/tiktok/upload')).toBe('POST');
    expect(await methodsOf('OPTIONS', '/openapi.json')).toBe('GET, HEAD');
    expect(await methodsOf('POST', '/docs/json')).toBe('GET, HEAD');
  });

  test('has an id: the client’s if it is well-formed', async () => {
    const given = await world.call('GET', '/api/nothing', { headers: { 'x-request-id': 'job-7.a:b' } });
    expect(given.headers.get('x-request-id')).toBe('job-7.a:b');
    expect(given.body.error.requestId).toBe('job-7.a:b');
    for (const bad of ['x'.repeat(101), 'a b', '{}']) {
      const made = await world.call('GET', '/livez', { headers: { 'x-request-id': bad } });
      expect(made.headers.get('x-request-id')).toMatch(UUID);
    }
  });

  test('gets security headers in its answer', async () => {
    for (const path of ['/api/posts', '/api/nothing', '/livez']) {
      const { headers } = await world.call('GET', path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('strict-transport-security')).toMatch(/max-age=\d+/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('rate limits', () => {
  test('are announced and count down', async () => {
    const { key } = (await newKey({})).body;
    const left = async (): Promise<number> => {
      const { headers } = await world.call('GET', '/api/posts', { key });
      expect(Number(headers.get('x-ratelimit-limit'))).toBeGreaterThan(1000);
      expect(Number(headers.get('x-ratelimit-reset'))).toBeLessThanOrEqual(60);
      return Number(headers.get('x-ratelimit-remaining'));
    };
    const first = await left();
    expect(await left()).toBe(first - 1);
    expect((await world.call('GET', '/livez')).headers.get('x-ratelimit-limit')).toBeNull();
  });

  test('end in 429 with Retry-After, by key and by address', async () => {
    const config = readConfig('server', world.env);
    const keys = localKeyProvider(config.keyring);
    const app = await buildApp({
      config,
      keys,
      database: world.database,
      temporal: world.temporal,
      envelope: createEnvelope({ keys }),
      media: openMediaStore(config.mediaUrl),
      mediaLinks: createMediaLinks(config.publicUrl, config.keyring),
      providers: createProviders(config.providers),
      limits: { perKey: 3, perAddress: 2 },
      log: { write: () => {} },
    });
    try {
      const ask = async (key: string | null, url = '/api/posts'): Promise<Json> => {
        const headers = key === null ? {} : { authorization: `Bearer ${key}` };
        return app.inject({ url, headers });
      };
      const one = (await newKey({})).body.key;
      const two = (await newKey({})).body.key;
      for (let asked = 0; asked < 3; asked += 1) expect((await ask(one)).statusCode).toBe(200);
      const refused = await ask(one);
      expect(refused.statusCode).toBe(429);
      expect(refused.json().error).toMatchObject({
        code: 'rate_limited',
        retryable: true,
        requestId: expect.any(String),
      });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
      // Other keys are not affected.
      expect((await ask(two)).statusCode).toBe(200);
      // Guessed keys count by address, and so do unknown routes.
      expect((await ask('ep_guess')).statusCode).toBe(401);
      expect((await ask(null, '/nothing')).statusCode).toBe(404);
      expect((await ask('ep_other')).statusCode).toBe(429);
      expect((await ask(null, '/nothing')).statusCode).toBe(429);
      expect((await ask(null, '/livez')).statusCode).toBe(200);
    } finally {
      await app.close();
    }
  });
});

describe('a list', () => {
  test('is read page by page, newest first, each entry once', async () => {
    const tenant = await world.newUser();
    const account = await world.connect(`creator_${randomUUID().slice(0, 8)}`, tenant.key);
    const media = await world.upload(sampleVideo(), tenant.key);
    for (let made = 0; made < 5; made += 1)
      await world.call('POST', '/api/tiktok/upload', {
        key: tenant.key,
        body: {
          accountId: account,
          mediaId: media,
          source: 'FILE_UPLOAD',
          mode: 'inbox',
          scheduledAt: inSeconds(3600),
          allowDuplicate: true,
        },
      });
    const walk = async (limit: number): Promise<string[]> => {
      const ids: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const query: string = `limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
        const { status, body } = await world.call('GET', `/api/posts?${query}`, { key: tenant.key });
        expect(status).toBe(200);
        expect(body.data.length).toBeLessThanOrEqual(limit);
        ids.push(...body.data.map((post: Json) => post.id));
        cursor = body.nextCursor;
      }
      return ids;
    };
    const whole = await world.call('GET', '/api/posts', { key: tenant.key });
    const ids = whole.body.data.map((post: Json) => post.id);
    expect(ids).toHaveLength(5);
    expect(whole.body.nextCursor).toBeNull();
    const times = whole.body.data.map((post: Json) => post.createdAt);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(await walk(2)).toEqual(ids);
    expect(await walk(5)).toEqual(ids);

    // Within one millisecond, in the opposite order of their ids, and at exactly the same time.
    await world.database.db.execute(sql`
      update posts set created_at = timestamptz '2026-01-01 00:00:00' + r.n * interval '1 microsecond'
      from (select id, row_number() over (order by id desc) as n from posts where user_id = ${tenant.id}) r
      where r.id = posts.id`);
    expect((await walk(2)).toSorted()).toEqual(ids.toSorted());
    await world.database.db.execute(
      sql`update posts set created_at = '2026-01-01 00:00:00' where user_id = ${tenant.id}`,
    );
    expect((await walk(2)).toSorted()).toEqual(ids.toSorted());
  });

  test('accepts limits from 1 to 200', async () => {
    for (const limit of ['0', '201', '-1', '1.5', 'many', ''])
      expectRefusal(await world.call('GET', `/api/posts?limit=${limit}`), 400, 'invalid_request');
    for (const limit of [1, 200])
      expect((await world.call('GET', `/api/accounts?limit=${limit}`)).status).toBe(200);
  });

  test('accepts only its own cursors', async () => {
    for (const path of ['/api/posts', '/api/accounts'])
      for (const cursor of ['x', '!', Buffer.from('1.x').toString('base64url')])
        expectRefusal(await world.call('GET', `${path}?cursor=${cursor}`), 400, 'invalid_cursor');
  });
});

describe('a post is refused', () => {
  test('if its times are impossible', async () => {
    expectRefusal(await scheduled({ scheduledAt: inSeconds(-61) }), 422, 'invalid_schedule');
    expectRefusal(await scheduled({ scheduledAt: inSeconds(180 * DAY + 60) }), 422, 'invalid_schedule');
    for (const bad of [
      'tomorrow',
      '2026-13-01T00:00:00Z',
      '2026-01-01',
      '2026-01-01T00:00:00',
      1_800_000_000,
    ]) {
      const answer = await scheduled({ scheduledAt: bad });
      expectRefusal(answer, 400, 'invalid_request');
      expect(fieldsOf(answer)).toEqual(['scheduledAt']);
    }
  });

  test('if the deadline is before it is due, or too late', async () => {
    expectRefusal(await scheduled({ deadline: inSeconds(60) }), 422, 'invalid_schedule');
    expectRefusal(await scheduled({ deadline: inSeconds(3600 + 73 * 3600) }), 422, 'invalid_schedule');
  });

  test('in mode inbox if it has fields that the creator sets in the app', async () => {
    const answer = await scheduled({
      mode: 'inbox',
      postInfo: { title: 'ours', privacy_level: 'SELF_ONLY', disable_duet: true },
    });
    expectRefusal(answer, 400, 'invalid_request');
    expect(fieldsOf(answer)).toEqual(['postInfo.privacy_level', 'postInfo.disable_duet']);
  });

  test('in mode direct without privacy_level, or with one that the creator does not have', async () => {
    const answer = await scheduled({ postInfo: { title: 'x' } });
    expectRefusal(answer, 400, 'invalid_request');
    expect(fieldsOf(answer)).toEqual(['postInfo.privacy_level']);
    const creator = `creator_${randomUUID().slice(0, 8)}`;
    await world.control('POST', '/tiktok/creators', { username: creator, private: true });
    const refused = await scheduled({
      accountId: await world.connect(creator),
      postInfo: { privacy_level: 'PUBLIC_TO_EVERYONE' },
    });
    expect(refused.status).toBe(422);
    expect(refused.body.error).toMatchObject({ retryable: false, userMessage: expect.any(String) });
  });

  test('if its source and its fields do not match', async () => {
    const answer = await scheduled({ mediaId: undefined, videoUrl: 'https://media.example/v.mp4' });
    expectRefusal(answer, 400, 'invalid_request');
    expect(fieldsOf(answer)).toEqual(['mediaId', 'videoUrl']);
    expectRefusal(await scheduled({ source: 'PULL_FROM_URL' }), 422, 'site_not_verified');
    expect(fieldsOf(await scheduled({ mediaId: undefined }))).toEqual(['mediaId']);
    const nothing = await scheduled({ source: 'PULL_FROM_URL', mediaId: undefined });
    expect(fieldsOf(nothing)).toEqual(['videoUrl', 'photoUrls']);
  });

  test('if its file is an image that TikTok may not fetch from this server', async () => {
    const answer = await scheduled({ mediaId: await world.upload(jpeg(), undefined, 'image/jpeg') });
    const { details } = expectRefusal(answer, 422, 'site_not_verified');
    expect(details).toEqual({ field: 'mediaId' });
  });

  test('while its media is not ready', async () => {
    const body = { filename: 'v.mp4', contentType: 'video/mp4', size: 1000 };
    const made = await world.call('POST', '/api/media', { body });
    expect(made.body).toMatchObject({ state: 'uploading', probed: null, uploadUrl: expect.any(String) });
    const early = await scheduled({ mediaId: made.body.id });
    expect(expectRefusal(early, 409, 'media_not_ready').details).toMatchObject({ state: 'uploading' });
    await tusUpload(made.body.uploadUrl, Buffer.alloc(1000, 7), world.user.key);
    await until('the media to be rejected', async () =>
      (await world.call('GET', `/api/media/${made.body.id}`)).body.state === 'rejected' ? true : null,
    );
    const late = await scheduled({ mediaId: made.body.id });
    expect(expectRefusal(late, 409, 'media_not_ready').details).toMatchObject({ state: 'rejected' });
  });

  test('if its account or media does not exist', async () => {
    for (const id of [randomUUID(), 'x', '']) {
      expectRefusal(await scheduled({ accountId: id }), 404, 'account_not_found');
      expectRefusal(await scheduled({ mediaId: id }), 404, 'media_not_found');
    }
  });

  test('if it was accepted within a day, unless duplicates are allowed', async () => {
    const postInfo = { title: randomUUID(), privacy_level: 'SELF_ONLY' };
    const first = await scheduled({ postInfo });
    expect(first.status).toBe(202);
    const again = await scheduled({ postInfo, scheduledAt: inSeconds(7200) });
    expect(expectRefusal(again, 409, 'duplicate_post').details).toMatchObject({ postId: first.body.id });
    // Mode, text and file make a post different.
    expect((await scheduled({ postInfo: { ...postInfo, title: randomUUID() } })).status).toBe(202);
    const wanted = await scheduled({ postInfo, allowDuplicate: true });
    expect(wanted.status).toBe(202);
    expect(wanted.body.id).not.toBe(first.body.id);
    for (const { body } of [first, wanted]) await world.call('POST', `/api/posts/${body.id}/cancel`);
    expect((await scheduled({ postInfo })).status).toBe(202);
  });

  test('with a key of its own is a different post, whatever its content', async () => {
    const postInfo = { title: randomUUID(), privacy_level: 'SELF_ONLY' };
    const first = await scheduled({ postInfo });
    const second = await scheduled({ postInfo }, { 'idempotency-key': randomUUID() });
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.body.id).not.toBe(first.body.id);
  });

  test('sent ten times at once without a key is accepted once', async () => {
    const body = { postInfo: { title: randomUUID(), privacy_level: 'SELF_ONLY' } };
    const answers = await Promise.all(Array.from({ length: 10 }, () => scheduled(body)));
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 202))
      expect(expectRefusal(answer, 409, 'duplicate_post').details).toMatchObject({
        postId: accepted[0]?.body.id,
      });
  });
});

describe('a scheduled post', () => {
  test('can be cancelled for good, and nothing is sent', async () => {
    onTestFailed(() => world.tell());
    await world.control('DELETE', '/requests');
    const { body, status } = await scheduled();
    expect(status).toBe(202);
    expect(body).toMatchObject({
      provider: 'tiktok',
      accountId,
      mediaId,
      state: 'scheduled',
      publishId: null,
      providerPostId: null,
      permalink: null,
      error: null,
      next: { step: 'publish', at: body.scheduledAt },
      workflowId: `post:${body.id}`,
    });
    const path = `/api/posts/${body.id}`;
    const cancelled = await world.call('POST', `${path}/cancel`);
    expect(cancelled.status).toBe(200);
    expect(cancelled.body).toMatchObject({ id: body.id, state: 'cancelled', next: null });
    expect((await world.call('POST', `${path}/cancel`)).body).toEqual(cancelled.body);
    const moved = await world.call('PATCH', path, { body: { scheduledAt: inSeconds(60) } });
    expect(expectRefusal(moved, 409, 'too_late').details).toEqual({ state: 'cancelled' });
    expect(await world.requests('video.init')).toHaveLength(0);
  });

  test('can be moved', async () => {
    const { body } = await scheduled();
    const scheduledAt = inSeconds(5 * DAY);
    const moved = await world.call('PATCH', `/api/posts/${body.id}`, { body: { scheduledAt } });
    expect(moved.status).toBe(200);
    expect(moved.body).toMatchObject({ state: 'scheduled', scheduledAt, next: { at: scheduledAt } });
    for (const [wrong, status, code] of [
      [{ scheduledAt: inSeconds(-61) }, 422, 'invalid_schedule'],
      [{ scheduledAt: inSeconds(181 * DAY) }, 422, 'invalid_schedule'],
      [{ scheduledAt: 'soon' }, 400, 'invalid_request'],
      [{}, 400, 'invalid_request'],
      [{ scheduledAt, state: 'published' }, 400, 'unknown_field'],
    ] as const)
      expectRefusal(await world.call('PATCH', `/api/posts/${body.id}`, { body: wrong }), status, code);
    expect((await world.getPost(body.id)).scheduledAt).toBe(scheduledAt);
    await world.call('POST', `/api/posts/${body.id}/cancel`);
  });
});

describe('a published post', () => {
  let post: Json;
  let events: Event[];
  beforeAll(async () => {
    const accepted = await world.publish({ accountId, mediaId, scheduledAt: inSeconds(2) });
    events = await eventsOf(accepted.body.id);
    await until('the permalink', async () => (await world.getPost(accepted.body.id)).permalink);
    post = await world.untilPost(accepted.body.id, 'published');
  });

  test('can be neither cancelled nor moved', async () => {
    const cancel = await world.call('POST', `/api/posts/${post.id}/cancel`);
    expect(expectRefusal(cancel, 409, 'too_late').details).toEqual({ state: 'published' });
    const move = await world.call('PATCH', `/api/posts/${post.id}`, {
      body: { scheduledAt: inSeconds(60) },
    });
    expect(expectRefusal(move, 409, 'too_late').details).toEqual({ state: 'published' });
    expect((await world.getPost(post.id)).state).toBe('published');
  });

  test('was streamed as server-sent events until it was final', () => {
    const states = events.map(({ data }) => data.state);
    expect(states[0]).toBe('scheduled');
    expect(states.at(-1)).toBe('published');
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
    for (const event of events) {
      expect(event.event).toBe('post');
      expect(Object.keys(event.data)).toEqual(Object.keys(post));
    }
  });

  test('is streamed again from the client’s last event', async () => {
    const all = await eventsOf(post.id);
    expect(all.at(-1)?.data).toEqual(post);
    const last = all.at(-1)?.id ?? 0;
    expect(await eventsOf(post.id, last)).toEqual([]);
    expect((await eventsOf(post.id, last - 1)).map(({ id }) => id)).toEqual([last]);
    const bad = { 'last-event-id': 'x' };
    expectRefusal(
      await world.call('GET', `/api/posts/${post.id}/events`, { headers: bad }),
      400,
      'invalid_request',
    );
    expectRefusal(await world.call('GET', `/api/posts/${randomUUID()}/events`), 404, 'not_found');
  });

  test('has a status by its publish id', async () => {
    const { status, body } = await world.call('GET', `/api/tiktok/status/${post.publishId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      publishId: post.publishId,
      postId: post.id,
      state: 'published',
      status: 'PUBLISH_COMPLETE',
      failReason: null,
      providerPostId: post.providerPostId,
      permalink: post.permalink,
      uploadedBytes: sampleVideo().length,
    });
    expectRefusal(await world.call('GET', '/api/tiktok/status/v_pub_file~v2.7'), 404, 'not_found');
  });
});

test('an interaction that the creator has turned off does not refuse the post: TikTok turns it off', async () => {
  onTestFailed(() => world.tell());
  const creator = `creator_${randomUUID().slice(0, 8)}`;
  const off = { commentDisabled: true, duetDisabled: true, stitchDisabled: true };
  const account = await world.connect(creator);
  await world.control('POST', '/tiktok/creators', { username: creator, ...off });
  const answer = await world.publish({
    accountId: account,
    mediaId,
    postInfo: {
      privacy_level: 'PUBLIC_TO_EVERYONE',
      disable_comment: false,
      disable_duet: false,
      disable_stitch: false,
    },
  });
  expect(answer.status).toBe(202);
  const { publishId } = await world.untilPost(answer.body.id, 'published');
  const made = (await world.publishes()).find(({ id }) => id === publishId);
  expect(made.postInfo).toMatchObject({ disable_comment: true, disable_duet: true, disable_stitch: true });
});

test('creator-info returns TikTok’s current answer', async () => {
  const path = `/api/tiktok/creator-info?accountId=${accountId}`;
  const { status, body, headers } = await world.call('GET', path);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toMatchObject({
    accountId,
    username: 'sandbox_creator',
    privacyLevelOptions: expect.arrayContaining(['SELF_ONLY']),
    commentDisabled: false,
    maxVideoPostDurationSec: expect.any(Number),
  });
  await world.control('POST', '/tiktok/creators', { username: 'sandbox_creator', commentDisabled: true });
  expect((await world.call('GET', path)).body).toMatchObject({ commentDisabled: true });
  await world.control('POST', '/tiktok/creators', { username: 'sandbox_creator', commentDisabled: false });
  expectRefusal(
    await world.call('GET', `/api/tiktok/creator-info?accountId=${randomUUID()}`),
    404,
    'account_not_found',
  );
  expectRefusal(await world.call('GET', '/api/tiktok/creator-info'), 400, 'invalid_request');
  await world.fault({ endpoint: 'creator_info', kind: 'html', http: 502 });
  const away = await world.call('GET', path);
  expect(away.status).toBe(502);
  expect(away.body.error).toMatchObject({ retryable: true, details: { provider: 'tiktok' } });
});

describe('the routes for machines', () => {
  test('need no key', async () => {
    for (const path of ['/livez', '/readyz', '/metrics', '/openapi.json', '/docs', '/docs/'])
      expect({ path, status: (await follow(path)).status }).toEqual({ path, status: 200 });
  });

  test('include /livez and /readyz', async () => {
    expect((await world.call('GET', '/livez', { key: null })).body).toEqual({ status: 'ok' });
    expect((await world.call('GET', '/readyz', { key: null })).body).toEqual({
      ready: true,
      checks: {
        database: { ok: true },
        temporal: { ok: true },
        workers: { ok: true },
        media: { ok: true },
      },
    });
  });

  test('include /metrics, which count by route and name nobody', async () => {
    await world.call('GET', `/api/posts/${randomUUID()}`);
    const counted =
      /everpost_http_request_duration_seconds_count\{method="GET",route="\/api\/posts\/:id",status="404"\} \d+/;
    // The server computes them once a second.
    const { text, headers } = await until('the request to be counted', async () => {
      const answer = await world.call('GET', '/metrics', { key: null });
      return counted.test(answer.text) ? answer : null;
    });
    expect(headers.get('content-type')).toMatch(/^text\/plain/);
    expect(text).not.toMatch(UUID);
    for (const secret of [world.user.key, world.user.id, accountId, 'sandbox_creator', '127.0.0.1'])
      expect(text).not.toContain(secret);
  });

  test('include /docs, which load nothing from other hosts', async () => {
    const page = await follow('/docs');
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.text).toContain('swagger-ui');
    expect(page.text).not.toMatch(/(src|href)="https?:/);
  });
});

describe('DELETE of an account', () => {
  test('revokes nothing while another tenant has connected the same creator', async () => {
    onTestFailed(() => world.tell());
    const creator = `creator_${randomUUID().slice(0, 8)}`;
    const mine = await world.connect(creator);
    const other = await world.newUser();
    const theirs = await world.connect(creator, other.key);
    const wiped = async (id: string): Promise<void> => {
      await until('the tokens to be gone', async () => {
        const { body } = await world.call('GET', `/api/debug/accounts/${id}`, { key: admin });
        return body.hasAccessToken ? null : true;
      });
    };
    await world.control('DELETE', '/requests');
    expect((await world.call('DELETE', `/api/accounts/${mine}`)).status).toBe(204);
    await wiped(mine);
    expect(await world.requests('oauth.revoke')).toEqual([]);
    const info = await world.call('GET', `/api/tiktok/creator-info?accountId=${theirs}`, { key: other.key });
    expect(info.status).toBe(200);

    await world.call('DELETE', `/api/accounts/${theirs}`, { key: other.key });
    await wiped(theirs);
    expect(await world.requests('oauth.revoke')).toMatchObject([{ status: 200 }]);
  });

  test('refreshes an expired token and revokes the new one, however often that takes', async () => {
    onTestFailed(() => world.tell());
    const id = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
    const { openId } = (await world.call('GET', `/api/accounts/${id}`)).body;
    await world.control('POST', '/tiktok/expire-tokens', { openId });
    await world.database.db.execute(sql`update oauth_accounts set expires_at = now() where id = ${id}`);
    await world.fault({ endpoint: 'oauth.revoke', kind: 'status', http: 503 });
    await world.control('DELETE', '/requests');
    await world.call('DELETE', `/api/accounts/${id}`);
    await until('the tokens to be gone', async () => {
      const { body } = await world.call('GET', `/api/debug/accounts/${id}`, { key: admin });
      return body.hasAccessToken ? null : true;
    });
    expect(await world.requests('oauth.token')).toMatchObject([{ status: 200 }]);
    expect(await world.requests('oauth.revoke')).toMatchObject([{ status: 503 }, { status: 200 }]);
  });

  test('revokes the account, wipes its tokens, cancels its open posts and keeps its records', async () => {
    onTestFailed(() => world.tell());
    const creator = `creator_${randomUUID().slice(0, 8)}`;
    const id = await world.connect(creator);
    const path = `/api/accounts/${id}`;
    const done = await world.publish({ accountId: id, mediaId });
    await world.untilPost(done.body.id, 'published');
    const waiting = await scheduled({ accountId: id });
    expect(waiting.body.state).toBe('scheduled');
    const [before]: Json[] = await world.database.db.execute(
      sql`select data_key_id from oauth_accounts where id = ${id}`,
    );
    expect(before.data_key_id).not.toBeNull();
    await world.control('DELETE', '/requests');

    const deleted = await world.call('DELETE', path);
    expect({ status: deleted.status, text: deleted.text }).toEqual({ status: 204, text: '' });
    expect((await world.call('GET', path)).body).toMatchObject({
      id,
      status: 'disconnected',
      statusReason: 'disconnected_by_user',
    });
    const { body: list } = await world.call('GET', '/api/accounts');
    expect(list.data.map((account: Json) => account.id)).not.toContain(id);
    const early = await scheduled({ accountId: id });
    expectRefusal(early, 409, 'account_disconnected');

    await world.untilPost(waiting.body.id, 'cancelled');
    await until('the tokens to be gone', async () => {
      const [row]: Json[] = await world.database.db.execute(sql`
        select 1 from oauth_accounts where id = ${id} and access_token_encrypted is null
        and refresh_token_encrypted is null and data_key_id is null`);
      return row ?? null;
    });
    const keys = await world.database.db.execute(
      sql`select 1 from data_keys where id = ${before.data_key_id}`,
    );
    expect(keys).toHaveLength(0);
    expect(await world.requests('oauth.revoke')).toMatchObject([{ status: 200 }]);
    expect(await world.requests('video.init')).toHaveLength(0);

    expect((await world.getPost(done.body.id)).state).toBe('published');
    expect((await world.call('DELETE', path)).status).toBe(204);
    const audits = await world.database.db.execute(
      sql`select actor from audit_log where action = 'account.disconnected' and subject = ${id}`,
    );
    expect(audits.length).toBeGreaterThan(0);

    // The same creator gets the same account.
    expect(await world.connect(creator)).toBe(id);
    expect((await world.call('GET', path)).body).toMatchObject({ status: 'active', statusReason: null });
    const next = await world.publish({ accountId: id, mediaId });
    await world.untilPost(next.body.id, 'published');
  });

  test('returns 404 for an unknown account', async () => {
    expectRefusal(await world.call('DELETE', `/api/accounts/${randomUUID()}`), 404, 'not_found');
  });
});

test('the description contains every status that these tests received', async () => {
  const { body } = await world.call('GET', '/openapi.json', { key: null });
  const described = Object.entries<Json>(body.paths).map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods,
  }));
  let known = 0;
  for (const line of answered) {
    const [method = '', status = '', path = ''] = line.split(' ');
    // More than one path may fit.
    const fitting = described.filter(({ pattern }) => pattern.test(path)).map(({ methods }) => methods);
    const operations = fitting.flatMap((methods): Json[] => methods[method.toLowerCase()] ?? []);
    if (operations.length === 0) continue;
    known += 1;
    const isSaid = operations.some(({ responses }) => responses[status] !== undefined);
    expect({ line, isSaid }).toEqual({ line, isSaid: true });
  }
  expect(known).toBeGreaterThan(30);
});

interface Event {
  id: number;
  event: string;
  data: Json;
}

/** Reads a stream until the server closes it. */
async function eventsOf(postId: string, after?: number): Promise<Event[]> {
  const { status, headers, text } = await world.call('GET', `/api/posts/${postId}/events`, {
    headers: after === undefined ? {} : { 'last-event-id': String(after) },
  });
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('id: '))
    .map((block) => {
      const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.+)$/.exec(block) ?? [];
      return { id: Number(id), event: event ?? '', data: JSON.parse(data ?? 'null') };
    });
}

async function follow(path: string): Promise<Answer> {
  const answer = await world.call('GET', path, { key: null });
  const location = answer.headers.get('location');
  return location === null ? answer : follow(new URL(location, world.url + path).pathname);
}

/** An answer without its time-dependent fields. */
function stable(body: Json): Json {
  const { updatedAt: _updatedAt, ...rest } = body;
  return rest;
}
