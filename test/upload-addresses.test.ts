import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RawAnswer, sendRaw } from './raw-http.ts';
import { createWorld, sampleVideo, until, type Json, type World } from './world.ts';

/*
 * The owner of the upload that a URL names: the router, the access check and the tus server read the same id, however
 * it is written.
 */

const TUS = { 'tus-resumable': '1.0.0' };
const OCTETS = { 'content-type': 'application/offset+octet-stream' };

let world: World;
let stranger: { id: string; key: string };
beforeAll(async () => {
  world = await createWorld();
  stranger = await world.newUser();
});
afterAll(() => world?.close());

const onDisk = (id: string): string => join(world.dir, 'media', id);

async function announce(key: string, size = 100): Promise<string> {
  const body = { filename: 'v.mp4', contentType: 'video/mp4', size };
  return (await world.call('POST', '/api/media', { key, body })).body.id;
}

const send = (
  method: string,
  target: string,
  headers: Record<string, string>,
  body: string | null = null,
): Promise<RawAnswer> => sendRaw(world.url, method, target, headers, body);

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

/** URLs by which an attacker may try to reach another upload than the checked one. */
const ADDRESSES: ((own: string, other: string) => string)[] = [
  (own, other) => `/api/media/${own.toUpperCase()}/upload?x=/api/media/${other}/upload`,
  (own, other) =>
    `/api/media/%${own.charCodeAt(0).toString(16)}${own.slice(1)}/upload?x=/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}/upload?/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}/upload?x=/${other}`,
  (own, other) => `/api/media/${own}/upload?x=%zz/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}/upload#/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}/upload;/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}/upload/../../${other}/upload`,
  (own, other) => `/api/media/${own}%2fupload%3fx=/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}/upload/?x=/api/media/${other}/upload`,
  (own, other) => `//api/media/${own}/upload?x=/api/media/${other}/upload`,
  (own, other) => `/api/media//${own}/upload?x=/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}./upload?x=/api/media/${other}/upload`,
  (own, other) => `/api/media/${own}/upload.?x=/api/media/${other}/upload`,
  (own, other) => `/API/MEDIA/${own}/UPLOAD?x=/api/media/${other}/upload`,
  (own, other) => `http://127.0.0.1/api/media/${own.toUpperCase()}/upload?x=/api/media/${other}/upload`,
  (own, other) => `http://x/api/media/${other}/upload/api/media/${own}/upload`,
  (own, other) => `/api/media/${own}/upload?${'x'.repeat(300)}/api/media/${other}/upload`,
];
const SPELLINGS = ADDRESSES.map((address) => [address('OWN-id', 'OTHER-id'), address] as const);

describe('a URL that names another tenant’s upload beside one’s own', () => {
  test.each(SPELLINGS)('writes, reads and deletes nothing of it: %s', async (_spelling, address) => {
    const own = await announce(stranger.key);
    const other = await announce(world.user.key, 77);
    const before = readFileSync(`${onDisk(other)}.json`, 'utf8');
    const target = address(own, other);
    const headers = { ...TUS, ...bearer(stranger.key) };

    await send('PATCH', target, { ...headers, ...OCTETS, 'upload-offset': '0' }, 'x'.repeat(10));
    const head = await send('HEAD', target, headers);
    expect([head.status, head.head]).not.toEqual([200, expect.stringMatching(/upload-length: 77\r/i)]);
    await send('DELETE', target, headers);
    const post = { ...headers, 'x-http-method-override': 'DELETE' };
    await send('POST', target, post);

    expect(readFileSync(onDisk(other), 'utf8')).toBe('');
    expect(readFileSync(`${onDisk(other)}.json`, 'utf8')).toBe(before);
    expect((await world.call('GET', `/api/media/${other}`)).body.state).toBe('uploading');
  });

  test('with its own id in upper case is still one’s own upload', async () => {
    const own = await announce(stranger.key);
    const headers = { ...TUS, ...bearer(stranger.key) };
    const target = `/api/media/${own.toUpperCase()}/upload`;
    const sent = await send('PATCH', target, { ...headers, ...OCTETS, 'upload-offset': '0' }, 'x'.repeat(10));
    expect(sent.status).toBe(204);
    expect(readFileSync(onDisk(own), 'utf8')).toBe('x'.repeat(10));
    expect((await send('DELETE', target, headers)).status).toBe(204);
    expect(existsSync(onDisk(own))).toBe(false);
  });
});

test('an id in upper case is the same id, even if a new key is derived from it', async () => {
  const key = world.secrets.adminKey;
  const init = { key, body: { name: 'one' }, headers: { 'idempotency-key': 'the-same' } };
  const lower = await world.call('POST', `/api/users/${stranger.id}/keys`, init);
  const upper = await world.call('POST', `/api/users/${stranger.id.toUpperCase()}/keys`, init);
  expect([upper.status, upper.body]).toEqual([201, lower.body]);
});

describe('a request for an upload against the tus protocol', () => {
  test.each([
    ['without its version', {}, 412, ['1.0.0', 'tus_version_required']],
    ['with another version', { 'tus-resumable': '0.2.2' }, 412, ['1.0.0', 'tus_version_required']],
    ['with a wrong header beside it', { ...TUS, 'upload-length': 'many' }, 400, [null, undefined]],
  ])('%s ends no upload', async (_what, headers, status, told) => {
    const id = await announce(world.user.key);
    const path = `/api/media/${id}/upload`;
    const refused = await world.call('DELETE', path, { headers });
    expect(refused.status).toBe(status);
    expect([refused.headers.get('tus-version'), refused.body?.error.code]).toEqual(told);
    expect((await world.call('GET', `/api/media/${id}`)).body.state).toBe('uploading');
    expect(existsSync(onDisk(id))).toBe(true);
  });

  test('with the headers of several proxies is accepted all the same', async () => {
    const id = await announce(world.user.key);
    const headers = { ...TUS, 'x-forwarded-proto': 'https,http' };
    expect((await world.call('HEAD', `/api/media/${id}/upload`, { headers })).status).toBe(200);
  });
});

describe('X-HTTP-Method-Override', () => {
  test('carries a whole upload by POST, and ends one', async () => {
    const bytes = sampleVideo();
    const id = await announce(world.user.key, bytes.length);
    const path = `/api/media/${id}/upload`;
    const as = (method: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Response> =>
      fetch(world.url + path, {
        method: 'POST',
        headers: { ...TUS, ...bearer(world.user.key), 'x-http-method-override': method, ...headers },
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      });
    const half = 1000;
    const first = await as('PATCH', { ...OCTETS, 'upload-offset': '0' }, bytes.subarray(0, half));
    expect([first.status, first.headers.get('upload-offset')]).toEqual([204, String(half)]);
    const head = await as('HEAD');
    expect([head.status, head.headers.get('upload-offset')]).toEqual([200, String(half)]);
    const rest = await as('patch', { ...OCTETS, 'upload-offset': String(half) }, bytes.subarray(half));
    expect(rest.status).toBe(204);
    await until('the media to be ready', async () => {
      const { body }: Json = await world.call('GET', `/api/media/${id}`);
      return body.state === 'ready' ? true : null;
    });
    const unfinished = await announce(world.user.key);
    const headers = { ...TUS, 'x-http-method-override': 'DELETE' };
    const gone = await world.call('POST', `/api/media/${unfinished}/upload`, { headers });
    expect(gone.status).toBe(204);
    expect((await world.call('GET', `/api/media/${unfinished}`)).body.state).toBe('expired');
  });

  test('has the rights of the named method, whatever method carries it', async () => {
    const id = await announce(world.user.key);
    const path = `/api/media/${id}/upload`;
    const scoped = await world.call('POST', `/api/users/${world.user.id}/keys`, {
      key: world.secrets.adminKey,
      body: { name: 'reads', scopes: ['media:read'] },
    });
    for (const method of ['OPTIONS', 'GET', 'POST', 'PUT', 'PATCH'])
      for (const override of ['PATCH', 'DELETE', 'HEAD']) {
        const headers = { ...TUS, 'x-http-method-override': override };
        const status = async (key: string | null): Promise<number> =>
          (await world.call(method, path, { key, headers })).status;
        expect(await status(null)).toBe(401);
        expect(await status(stranger.key)).toBe(404);
        expect(await status(scoped.body.key)).toBe(403);
      }
    expect((await world.call('GET', `/api/media/${id}`)).body.state).toBe('uploading');
  });

  test('works only for uploads, and only with methods of uploads', async () => {
    const id = await announce(world.user.key);
    const headers = { ...TUS, 'x-http-method-override': 'DELETE' };
    expect((await world.call('GET', `/api/media/${id}`, { headers })).status).toBe(200);
    for (const override of ['GET', 'POST', 'PUT', 'NONSENSE', 'CONNECT']) {
      const answer = await world.call('POST', `/api/media/${id}/upload`, {
        headers: { ...TUS, 'x-http-method-override': override },
      });
      expect([override, answer.status, answer.body.error.code]).toEqual([
        override,
        405,
        'method_not_allowed',
      ]);
      expect(answer.headers.get('allow')).toBe('DELETE, HEAD, OPTIONS, PATCH');
    }
  });
});
