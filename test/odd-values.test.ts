import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createMediaLinks } from '../crypto/media-links.ts';
import { parseKeyring } from '../crypto/keys.ts';
import { sendBytes, sendRaw } from './raw-http.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/*
 * Values that nobody sends by accident: each is refused in the usual error format, and none causes an internal error.
 */

let world: World;
let accountId: string;
beforeAll(async () => {
  world = await createWorld();
  accountId = await world.connect();
});
afterAll(() => world?.close());

const cursorOf = (text: string): string => Buffer.from(text).toString('base64url');
const ID = '00000000-0000-4000-8000-000000000000';
const TEXTS = [
  '9999-12-31T23:59:59-23:59',
  '9999-12-31T23:59:59.999999999Z',
  '2026-12-31T23:59:60Z',
  '2026-06-30T23:59:60+00:00',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+23:59',
  '+010000-01-01T00:00:00Z',
  '2027-02-30T00:00:00Z',
  '2027-01-01T00:00:00Z[Europe/Berlin]',
  cursorOf(`253402300800000.${ID}`),
  cursorOf(`999999999999999.${ID}`),
  cursorOf(`8640000000000000.${ID}`),
  cursorOf(`-1.${ID}`),
  cursorOf(`1e3.${ID}`),
  '-1',
  '1e400',
  '9007199254740993',
  '2147483648',
  'NaN',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '%',
  '',
  ' ',
  '__proto__',
  ID.toUpperCase(),
  '../../etc/passwd',
  "'; drop table posts; --",
  'ä'.repeat(5000),
];
const VALUES: unknown[] = [
  ...TEXTS,
  null,
  true,
  [],
  {},
  [[[[]]]],
  { constructor: { prototype: 1 } },
  -1,
  0.5,
  2_147_483_648,
  2 ** 60,
  1e308,
];

/** The operations of the description, with their parameters. */
async function operations(): Promise<{ name: string; operation: Json; body: Json }[]> {
  const { body } = await world.call('GET', '/openapi.json', { key: null });
  return Object.entries<Json>(body.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
      body: operation.requestBody?.content?.['application/json']?.schema ?? null,
    })),
  );
}

/** Every place of a value in a body's schema, as a path. */
function placesOf(schema: Json, at: string[] = []): string[][] {
  const fields = Object.entries<Json>(schema?.properties ?? {});
  return fields.flatMap(([field, inner]) => [
    [...at, field],
    ...placesOf(inner.type === 'array' ? inner.items : inner, [...at, field]),
  ]);
}

/** A body with a value at a place, and valid values everywhere else. */
function bodyWith(schema: Json, [field, ...rest]: string[], value: unknown): Json {
  const body = Object.fromEntries(
    (schema.required ?? []).map((name: string) => [name, sampleOf(name, schema.properties[name])]),
  );
  const inner = schema.properties[field ?? ''];
  const given =
    rest.length === 0 ? value : bodyWith(inner.type === 'array' ? inner.items : inner, rest, value);
  body[field ?? ''] = inner.type === 'array' && rest.length > 0 ? [given] : given;
  return body;
}

function sampleOf(name: string, schema: Json): unknown {
  if (name === 'accountId') return accountId;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.format === 'date-time') return new Date(Date.now() + 3_600_000).toISOString();
  if (name === 'email') return `${randomUUID()}@example.com`;
  return { string: 'tiktok', integer: 1, number: 1, boolean: true, array: [], object: {} }[
    String(schema.type)
  ];
}

async function send(name: string, query: Record<string, string>, body: unknown, id = ID): Promise<Answer> {
  const [method = '', path = ''] = name.split(' ');
  const admin = /\/api\/(users|debug)/.test(path);
  const search = new URLSearchParams(query).toString();
  return world.call(method, `${path.replaceAll(/\{\w+\}/g, inPath(id))}?${search}`, {
    key: admin ? world.secrets.adminKey : world.user.key,
    ...(body === null ? {} : { body }),
    headers: { 'tus-resumable': '1.0.0' },
  });
}

/** A text in a path; a lone surrogate as the bytes that it would have. */
function inPath(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : '%ed%a0%80';
}

describe('no value causes an internal error', () => {
  test('in a query, a path, or a body', async () => {
    onTestFailed(() => world.tell());
    const wrong: string[] = [];
    const note = ({ status, text }: Answer, what: unknown): void => {
      if (status >= 500 && status !== 502)
        wrong.push(`${status} ${JSON.stringify(what)} ${text.slice(0, 200)}`);
    };
    for (const { name, operation, body } of await operations()) {
      const queries = (operation.parameters ?? []).filter((one: Json) => one.in === 'query');
      for (const value of TEXTS) {
        if (name.includes('{')) note(await send(name, {}, null, value === '' ? '%' : value), [name, value]);
        for (const query of queries) {
          const required = queries.filter((one: Json) => one.required === true);
          const right = Object.fromEntries(required.map((one: Json) => [one.name, '7']));
          note(await send(name, { ...right, [query.name]: value }, null), [name, query.name, value]);
        }
      }
      for (const place of placesOf(body))
        for (const value of VALUES)
          note(await send(name, {}, bodyWith(body, place, value)), [name, place, value]);
    }
    expect(wrong).toEqual([]);
  }, 300_000);

  test('in a header', async () => {
    for (const value of [
      '9'.repeat(300),
      '-1',
      'x'.repeat(5000),
      '\u00ff',
      'bytes=9-1',
      'bytes=99999999999999999999-',
    ]) {
      for (const header of [
        'idempotency-key',
        'last-event-id',
        'range',
        'upload-offset',
        'upload-length',
        'x-request-id',
        'accept',
        'content-type',
        'authorization',
        'x-forwarded-for',
        'x-forwarded-proto',
        'cookie',
        'if-none-match',
      ])
        for (const name of [
          'POST /api/connect-links',
          `PATCH /api/media/{id}/upload`,
          'GET /api/posts/{id}/events',
        ]) {
          const [method = '', path = ''] = name.split(' ');
          const { status } = await sendRaw(world.url, method, path.replace('{id}', ID), {
            authorization: `Bearer ${world.user.key}`,
            'content-type': 'application/json',
            [header]: value,
          });
          expect([name, header, value, status >= 500]).toEqual([name, header, value, false]);
        }
    }
  });
});

describe('times', () => {
  test.each(TEXTS.slice(0, 8))(
    'that cannot be stored are refused, naming their field: %s',
    async (expiresAt) => {
      const answer = await world.call('POST', `/api/users/${world.user.id}/keys`, {
        key: world.secrets.adminKey,
        body: { name: 'odd', expiresAt },
      });
      const known = answer.status === 201 || answer.body.error.code === 'invalid_expiry';
      expect([known, answer.body.error?.details.fields?.[0].field ?? null]).toEqual(
        expiresAt.startsWith('9999-12-31T23:59:59.9') ? [true, null] : [false, 'expiresAt'],
      );
    },
  );

  test.each(['253402300800000', '999999999999999'])(
    'of a cursor are before the year 10000: %s',
    async (ms) => {
      // The values above have used up what one key may call in a minute.
      const { key } = await world.newUser();
      const answer = await world.call('GET', `/api/posts?cursor=${cursorOf(`${ms}.${ID}`)}`, { key });
      expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_cursor']);
    },
  );
});

test('a signed link to a file without a row is 404', async () => {
  const links = createMediaLinks(world.url, parseKeyring(`k1:${world.secrets.kek}`));
  const answer = await world.call('GET', links.url(randomUUID()), { key: null });
  expect([answer.status, answer.body.error.code]).toEqual([404, 'not_found']);
});

test.each([1e300, -1, 0, 1_764_500_000_000, 9_007_199_254_740_991, 'soon', null])(
  'a removal with %j as its time is applied',
  async (createTime) => {
    onTestFailed(() => world.tell());
    const key = (await world.newUser()).key;
    const creator = `odd_${randomUUID().slice(0, 8)}`;
    const id = await world.connect(creator, key);
    const { body: account } = await world.call('GET', `/api/accounts/${id}`, { key });
    const event = {
      client_key: world.app.clientKey,
      event: 'authorization.removed',
      create_time: createTime,
      user_openid: account.openId,
      content: JSON.stringify({ reason: 1 }),
    };
    const answer = await sendSigned(JSON.stringify(event));
    expect(answer.status).toBe(200);
    await until('the account to be out of service', async () => {
      const { body } = await world.call('GET', `/api/accounts/${id}`, { key });
      return body.status === 'reauth_required' ? true : null;
    });
  },
);

async function sendSigned(body: string): Promise<Answer> {
  const t = Math.floor(Date.now() / 1000);
  const s = createHmac('sha256', world.secrets.clientSecret).update(`${t}.${body}`).digest('hex');
  return world.call('POST', '/api/webhooks/tiktok', {
    key: null,
    body,
    headers: { 'tiktok-signature': `t=${t},s=${s}` },
  });
}

describe('a request that is not valid HTTP gets the usual error format', () => {
  test.each([
    ['a method that is none', 'GE(T / HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'invalid_request'],
    ['a header without a name', 'GET / HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n', 400, 'invalid_request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'invalid_request',
    ],
    [
      'a length beside chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'invalid_request',
    ],
    ['no Host', 'GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'invalid_request'],
    [
      'too many headers',
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n', 405, 'method_not_allowed'],
    [
      'an expectation',
      'GET /nothing HTTP/1.1\r\nhost: x\r\nexpect: more\r\nconnection: close\r\n\r\n',
      404,
      'route_not_found',
    ],
  ])('%s', async (_what, bytes, status, code) => {
    const answer = await sendBytes(world.url, bytes);
    const { error } = JSON.parse(answer.text);
    expect([answer.status, error.code, Object.keys(error)]).toEqual([
      status,
      code,
      ['code', 'message', 'userMessage', 'retryable', 'details', 'requestId'],
    ]);
    expect(answer.head).toMatch(/content-type: application\/json/i);
    expect(answer.head).toMatch(new RegExp(`x-request-id: ${error.requestId}`, 'i'));
  });
});
