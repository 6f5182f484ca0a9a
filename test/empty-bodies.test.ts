import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendRaw } from './raw-http.ts';
import { createWorld, type Json, type World } from './world.ts';

/* Requests without a body, to routes without one: accepted with every content type. */

let world: World;
/** For example "DELETE /api/accounts/{id}". */
let bodyless: string[];
beforeAll(async () => {
  world = await createWorld({ worker: false });
  const { body } = await world.call('GET', '/openapi.json', { key: null });
  bodyless = Object.entries<Json>(body.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods)
      .filter(([method, { requestBody }]) => ['post', 'delete'].includes(method) && requestBody === undefined)
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
});
afterAll(() => world?.close());

const chunked = { 'transfer-encoding': 'chunked' };
const NO_CHUNKS = '0\r\n\r\n';
const EMPTY: [string, Record<string, string>, string | null][] = [
  ['JSON, and nothing of a length', { 'content-type': 'application/json' }, null],
  ['JSON, and a length of 0', { 'content-type': 'application/json; charset=utf-8' }, ''],
  ['JSON, and an end without chunks', { 'content-type': 'application/json', ...chunked }, NO_CHUNKS],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, ''],
  [
    'a form, and an end without chunks',
    { 'content-type': 'application/x-www-form-urlencoded', ...chunked },
    NO_CHUNKS,
  ],
  ['text', { 'content-type': 'text/plain' }, ''],
  ['no type, and an end without chunks', chunked, NO_CHUNKS],
  ['what is no type', { 'content-type': 'json' }, ''],
  ['an empty type', { 'content-type': '' }, ''],
];

describe('a request without a body', () => {
  test.each(EMPTY)(
    'that announces %s is accepted on a route without a body',
    async (_what, headers, body) => {
      expect(bodyless.length).toBeGreaterThan(5);
      for (const route of bodyless.filter((name) => !name.includes('/webhooks/'))) {
        const [method = '', path = ''] = route.split(' ');
        const key = /\/(users|debug)\//.test(path) ? world.secrets.adminKey : world.user.key;
        const target = path.replaceAll(/\{\w+\}/g, () => randomUUID());
        const more = { authorization: `Bearer ${key}`, 'tus-resumable': '1.0.0', ...headers };
        const { status, text } = await sendRaw(world.url, method, target, more, body);
        expect([route, status, JSON.parse(text).error.code]).toEqual([route, 404, 'not_found']);
      }
    },
  );

  test.each(EMPTY)(
    'that announces %s is accepted on a route whose body is optional',
    async (_what, headers, body) => {
      const path = `/api/accounts/${randomUUID()}/sync`;
      const more = { authorization: `Bearer ${world.user.key}`, ...headers };
      const { status, text } = await sendRaw(world.url, 'POST', path, more, body);
      expect([status, JSON.parse(text).error.code]).toEqual([404, 'not_found']);
    },
  );

  test('is still invalid JSON on a route with a body', async () => {
    const answer = await world.call('POST', '/api/media', { body: '' });
    expect([answer.status, answer.body.error.code]).toEqual([400, 'malformed_json']);
  });

  test('that does have a body is parsed by its type', async () => {
    const cancel = `/api/posts/${randomUUID()}/cancel`;
    for (const [type, body, status, words] of [
      ['application/json', '{}', 404, 'nothing has this id'],
      ['application/json', '{', 400, 'not JSON'],
      ['text/plain', 'now', 415, 'send no body'],
    ] as const) {
      const headers = { 'content-type': type };
      const answer = await world.call('POST', cancel, { body, headers });
      expect(answer.status).toBe(status);
      expect(answer.body.error.message).toContain(words);
    }
  });
});
