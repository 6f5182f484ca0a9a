import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import type { Child } from '../stack/child.ts';
import {
  createWorld,
  paddedVideo,
  sampleVideo,
  tusUpload,
  until,
  type Answer,
  type Json,
  type World,
} from './world.ts';

/* Uploads: broken connections, killed servers, false claims, and uploads that never finish. */

const TUS = { 'tus-resumable': '1.0.0' };
const OCTETS = 'application/offset+octet-stream';

let world: World;
let server: Child | undefined;
beforeAll(async () => {
  world = await createWorld();
  [server] = world.children;
});
afterAll(() => world?.close());

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const onDisk = (id: string): string => join(world.dir, 'media', id);

async function announce(size: number, contentType = 'video/mp4'): Promise<{ id: string; uploadUrl: string }> {
  const body = { filename: 'v.mp4', contentType, size };
  const made = await world.call('POST', '/api/media', { body });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ state: 'uploading', size, contentType, probed: null });
  return made.body;
}

const look = (url: string, key: string | null = world.user.key): Promise<Answer> =>
  world.call('HEAD', url, { key, headers: TUS });

async function offsetOf(url: string): Promise<number> {
  const { status, headers } = await look(url);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('tus-resumable')).toBe('1.0.0');
  return Number(headers.get('upload-offset'));
}

/** One PATCH. @param body a stream has no announced length */
async function append(
  url: string,
  offset: number,
  body: Uint8Array<ArrayBuffer> | ReadableStream,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Json }> {
  const answer = await fetch(url, {
    method: 'PATCH',
    headers: {
      ...TUS,
      authorization: `Bearer ${world.user.key}`,
      'content-type': OCTETS,
      'upload-offset': String(offset),
      ...headers,
    },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

const slice = (bytes: Buffer, from: number, to?: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(bytes.subarray(from, to));

/** Announces the whole rest, sends a part of it and waits until that part has arrived. */
async function sendPart(
  { id, uploadUrl }: { id: string; uploadUrl: string },
  bytes: Buffer,
  from: number,
  to: number,
): Promise<ClientRequest> {
  const sending = request(uploadUrl, {
    method: 'PATCH',
    agent: false,
    headers: {
      ...TUS,
      authorization: `Bearer ${world.user.key}`,
      'content-type': OCTETS,
      'upload-offset': String(from),
      'content-length': String(bytes.length - from),
    },
  });
  sending.on('error', () => {});
  sending.write(bytes.subarray(from, to));
  await until('the bytes to arrive', async () => (statSync(onDisk(id)).size === to ? true : null));
  return sending;
}

async function untilExamined(id: string): Promise<Json> {
  return until('the media to be examined', async () => {
    const { body } = await world.call('GET', `/api/media/${id}`);
    return body.state === 'uploading' ? null : body;
  });
}

async function restartServer(): Promise<void> {
  server = await world.spawn('server');
  await until('the server to be up', async () =>
    (await world.call('GET', '/livez', { key: null }).catch(() => null))?.status === 200 ? true : null,
  );
}

async function killServer(): Promise<void> {
  if (server === undefined) throw new Error('no server runs');
  process.kill(server.pid, 'SIGKILL');
  expect(await server.exited).toBe('signal SIGKILL');
}

test('a file arrives in pieces and is inspected', async () => {
  onTestFailed(() => world.tell());
  const bytes = sampleVideo();
  const media = await announce(bytes.length);
  expect(await offsetOf(media.uploadUrl)).toBe(0);
  const half = Math.floor(bytes.length / 2);
  const first = await append(media.uploadUrl, 0, slice(bytes, 0, half));
  expect(first.status).toBe(204);
  expect(first.headers.get('upload-offset')).toBe(String(half));
  expect(await offsetOf(media.uploadUrl)).toBe(half);
  expect((await append(media.uploadUrl, half, slice(bytes, half))).status).toBe(204);
  const ready = await untilExamined(media.id);
  expect(ready).toMatchObject({
    state: 'ready',
    rejectedReason: null,
    uploadedAt: expect.any(String),
    probed: {
      container: 'mp4',
      codec: 'h264',
      durationMs: expect.any(Number),
      width: expect.any(Number),
      height: expect.any(Number),
      fps: expect.any(Number),
      sha256: sha256(bytes),
    },
  });
  expect(await offsetOf(media.uploadUrl)).toBe(bytes.length);
});

test('a broken connection loses no received bytes', async () => {
  onTestFailed(() => world.tell());
  const bytes = paddedVideo(6_000_000);
  const media = await announce(bytes.length);
  const sending = await sendPart(media, bytes, 0, 2_500_000);
  sending.destroy();
  expect(await offsetOf(media.uploadUrl)).toBe(2_500_000);
  expect((await append(media.uploadUrl, 2_500_000, slice(bytes, 2_500_000))).status).toBe(204);
  expect(await untilExamined(media.id)).toMatchObject({ state: 'ready', sha256: sha256(bytes) });
});

test('a killed server loses no received bytes', async () => {
  onTestFailed(() => world.tell());
  const bytes = paddedVideo(6_000_000);
  const media = await announce(bytes.length);
  await sendPart(media, bytes, 0, 3_000_000);
  await killServer();
  await restartServer();
  expect(await offsetOf(media.uploadUrl)).toBe(3_000_000);
  // Any tus client resumes by itself.
  await tusUpload(media.uploadUrl, bytes, world.user.key);
  expect(await untilExamined(media.id)).toMatchObject({ state: 'ready', sha256: sha256(bytes) });
});

test('a server killed between the last byte and its record finds that out', async () => {
  onTestFailed(() => world.tell());
  const bytes = sampleVideo();
  const media = await announce(bytes.length);
  await sendPart(media, bytes, 0, 1000);
  await killServer();
  await appendFile(onDisk(media.id), bytes.subarray(1000));
  await restartServer();
  expect(await offsetOf(media.uploadUrl)).toBe(bytes.length);
  expect(await untilExamined(media.id)).toMatchObject({ state: 'ready', sha256: sha256(bytes) });
});

test('requests against the tus protocol are refused, and change nothing', async () => {
  onTestFailed(() => world.tell());
  const bytes = sampleVideo();
  const { id, uploadUrl } = await announce(bytes.length);
  expect((await append(uploadUrl, 0, slice(bytes, 0, 1000))).status).toBe(204);

  for (const wrong of [0, 999, 1001, bytes.length]) {
    const answer = await append(uploadUrl, wrong, slice(bytes, 1000, 1010));
    expect({ wrong, status: answer.status }).toEqual({ wrong, status: 409 });
    expect(answer.headers.get('tus-resumable')).toBe('1.0.0');
  }
  expect((await append(uploadUrl, 1000, slice(bytes, 1000), { 'upload-offset': '' })).status).toBeOneOf([
    400, 403,
  ]);
  expect((await append(uploadUrl, 1000, slice(bytes, 1000), { 'tus-resumable': '' })).status).toBe(412);
  for (const type of ['application/json', 'video/mp4', 'text/plain'])
    expect((await append(uploadUrl, 1000, slice(bytes, 1000), { 'content-type': type })).status).toBeOneOf([
      400, 415,
    ]);
  const refused = await append(uploadUrl, 1000, slice(bytes, 1000), { 'content-type': 'text/plain' });
  expect(refused.body).toMatchObject({
    error: { message: expect.stringContaining('send content-type: application/offset+octet-stream') },
  });
  expect(await offsetOf(uploadUrl)).toBe(1000);
  expect(statSync(onDisk(id)).size).toBe(1000);
});

test.each(['application/offset+octet-stream; charset=utf-8', 'Application/Offset+Octet-Stream'])(
  'bytes sent as %s are accepted',
  async (contentType) => {
    const bytes = sampleVideo();
    const { id, uploadUrl } = await announce(bytes.length);
    const sent = await append(uploadUrl, 0, slice(bytes, 0), { 'content-type': contentType });
    expect(sent.status).toBe(204);
    expect(await untilExamined(id)).toMatchObject({ state: 'ready', sha256: sha256(bytes) });
  },
);

test('more bytes than announced are refused, announced or not', async () => {
  onTestFailed(() => world.tell());
  const bytes = sampleVideo();
  const { id, uploadUrl } = await announce(bytes.length);
  expect((await append(uploadUrl, 0, slice(bytes, 0, 1000))).status).toBe(204);
  const tooMuch = Buffer.concat([bytes.subarray(1000), Buffer.from('more')]);
  expect((await append(uploadUrl, 1000, slice(tooMuch, 0))).status).toBe(413);
  const unannounced = new Blob([slice(tooMuch, 0)]).stream();
  const status = (await append(uploadUrl, 1000, unannounced).catch(() => null))?.status ?? 413;
  expect(status).toBe(413);
  expect(statSync(onDisk(id)).size).toBeLessThanOrEqual(bytes.length);
  // The right bytes are still accepted, and only those.
  await tusUpload(uploadUrl, bytes, world.user.key);
  expect(await untilExamined(id)).toMatchObject({ state: 'ready', sha256: sha256(bytes) });
});

test('an upload belongs to its tenant, and nobody can read the file there', async () => {
  const bytes = sampleVideo();
  const { id, uploadUrl } = await announce(bytes.length);
  const stranger = await world.newUser();
  expect((await look(uploadUrl, null)).status).toBe(401);
  expect((await look(uploadUrl, stranger.key)).status).toBe(404);
  for (const [key, status, code] of [
    ['', 401, 'unauthenticated'],
    [stranger.key, 404, 'not_found'],
  ] as const) {
    const answer = await append(uploadUrl, 0, slice(bytes, 0), { authorization: `Bearer ${key}` });
    expect(answer.status).toBe(status);
    expect(answer.body.error.code).toBe(code);
    expect((await world.call('DELETE', uploadUrl, { key: key || null, headers: TUS })).status).toBe(status);
  }
  expect(await offsetOf(uploadUrl)).toBe(0);

  await tusUpload(uploadUrl, bytes, world.user.key);
  await untilExamined(id);
  expect((await world.call('GET', uploadUrl)).status).toBe(405);
  for (const path of [`/api/media/${id}/file`, `/media/${id}`, `/api/media/${id}.json`])
    expect({ path, status: (await world.call('GET', path)).status }).toEqual({ path, status: 404 });
  const overridden = { ...TUS, 'x-http-method-override': 'GET' };
  expect((await world.call('HEAD', uploadUrl, { headers: overridden })).text).toBe('');
  const created = await world.call('POST', uploadUrl, { headers: { ...TUS, 'upload-length': '10' } });
  expect(created.status).toBe(405);
  // A complete file is not deleted through its upload.
  const deleted = await world.call('DELETE', uploadUrl, { headers: TUS });
  expect(deleted.status).toBeGreaterThanOrEqual(400);
  expect(existsSync(onDisk(id))).toBe(true);
  expect((await world.call('GET', `/api/media/${id}`)).body.state).toBe('ready');
});

test('an unfinished upload can be abandoned', async () => {
  const { id, uploadUrl } = await announce(5000);
  expect((await append(uploadUrl, 0, slice(Buffer.alloc(100), 0))).status).toBe(204);
  expect((await world.call('DELETE', uploadUrl, { headers: TUS })).status).toBe(204);
  expect((await world.call('GET', `/api/media/${id}`)).body.state).toBe('expired');
  expect(existsSync(onDisk(id))).toBe(false);
  expect((await look(uploadUrl)).status).toBe(410);
});

test.each([
  [
    'no video at all',
    'video/mp4',
    Buffer.from(`<html>${'x'.repeat(2000)}</html>`),
    'not a readable video or image',
  ],
  ['a video whose end is missing', 'video/mp4', sampleVideo().subarray(0, 10_000), /\w+ \w+/],
])('%s is rejected with the reason', async (_what, contentType, bytes, reason) => {
  onTestFailed(() => world.tell());
  const { id, uploadUrl } = await announce(bytes.length, contentType);
  expect((await append(uploadUrl, 0, slice(bytes, 0))).status).toBe(204);
  const media = await untilExamined(id);
  expect(media).toMatchObject({ state: 'rejected', probed: null, sha256: null });
  expect(media.rejectedReason).toMatch(reason);
  await until('the file to go', async () => (existsSync(onDisk(id)) ? null : true));
  const more = await append(uploadUrl, 0, slice(bytes, 0));
  expect(more.status).toBe(410);
  expect(more.body.error).toMatchObject({ code: 'media_gone', details: { state: 'rejected' } });
});

test.each([
  ['a MOV that a browser calls an MP4', 'VIDEO/MP4', 'video.mov', 'video/quicktime'],
  ['an MP4 that a library calls a MOV', 'video/quicktime', 'video.mp4', 'video/mp4'],
  ['a WebM that a browser calls an MP4', 'video/mp4', 'video.webm', 'video/webm'],
  ['an MP4 that a recorder calls a WebM', 'video/webm;codecs=h264', 'video.mp4', 'video/mp4'],
  ['a video that has the name of a photo', 'image/jpeg', 'video.mp4', 'video/mp4'],
  ['a photo that has the name of a video', 'video/quicktime', 'image.webp', 'image/webp'],
  ['a WebM with its codecs', 'video/webm;codecs=vp9,opus', 'video.webm', 'video/webm'],
  ['an MP4 with its codecs', 'video/mp4; codecs="avc1.640028, mp4a.40.2"', 'fragmented.mp4', 'video/mp4'],
  ['an M4V', 'video/x-m4v', 'video.mp4', 'video/mp4'],
  ['a JPEG by its other name', 'image/jpg', 'image.jpg', 'image/jpeg'],
  ['a file of which the client knows nothing', 'application/octet-stream', 'image.png', 'image/png'],
])('%s is recorded as its real type', async (_what, contentType, name, found) => {
  onTestFailed(() => world.tell());
  const bytes = readFileSync(new URL(`fixtures/media/${name}`, import.meta.url));
  const body = { filename: name, contentType, size: bytes.length };
  const made = await world.call('POST', '/api/media', { body });
  expect(made.status).toBe(201);
  await tusUpload(made.body.uploadUrl, bytes, world.user.key);
  expect(await untilExamined(made.body.id)).toMatchObject({ state: 'ready', contentType: found });
});

test.each([
  'image/gif',
  'image/heic',
  'video/x-msvideo',
  'audio/mpeg',
  'Audio/MP4; codecs="mp4a.40.2"',
  'mp4',
  '',
])('a file announced as %j is refused before it is sent', async (contentType) => {
  const body = { filename: 'file', contentType, size: 100 };
  const { status, body: answer } = await world.call('POST', '/api/media', { body });
  expect(status).toBe(400);
  expect(answer.error).toMatchObject({
    code: 'invalid_request',
    details: { fields: [{ field: 'contentType' }] },
  });
  expect(answer.error.message).toMatch('convert the file to');
});

test('an unfinished upload expires, and its file is removed', async () => {
  onTestFailed(() => world.tell());
  const { id, uploadUrl } = await announce(5000);
  expect((await append(uploadUrl, 0, slice(Buffer.alloc(100), 0))).status).toBe(204);
  const { body } = await world.call('GET', `/api/media/${id}`);
  expect((new Date(body.expiresAt).getTime() - Date.now()) / 3_600_000).toBeCloseTo(24, 1);
  await world.database.db.execute(
    sql`update media set expires_at = now() - interval '1 minute' where id = ${id}`,
  );
  await world.skipTime(`media:${id}`);
  expect(await untilExamined(id)).toMatchObject({ state: 'expired', probed: null });
  await until('the file to go', async () => (existsSync(onDisk(id)) ? null : true));
  expect(existsSync(`${onDisk(id)}.json`)).toBe(false);
  expect((await look(uploadUrl)).status).toBe(410);
  const late = await append(uploadUrl, 100, slice(Buffer.alloc(100), 0));
  expect(late.status).toBe(410);
  expect(late.body.error).toMatchObject({ code: 'media_gone', details: { state: 'expired' } });
});

test('the same announcement with its Idempotency-Key resumes the same upload', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const body = { filename: 'v.mp4', contentType: 'video/mp4', size: 5000 };
  const first = await world.call('POST', '/api/media', { body, headers });
  expect((await append(first.body.uploadUrl, 0, slice(Buffer.alloc(100), 0))).status).toBe(204);
  const again = await world.call('POST', '/api/media', { body, headers });
  expect(again.body).toMatchObject({ id: first.body.id, uploadUrl: first.body.uploadUrl });
  expect(await offsetOf(again.body.uploadUrl)).toBe(100);
});

test('the logs contain no keys', () => {
  const logs = world.logFiles.map((file) => readFileSync(file, 'utf8')).join('\n');
  expect(logs).not.toContain(world.user.key);
  expect(logs).not.toContain(world.secrets.adminKey);
});
