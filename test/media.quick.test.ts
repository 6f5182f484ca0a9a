import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Server } from '@tus/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checkSize } from '../media/content-types.ts';
import { codecOf } from '../media/formats.ts';
import { MediaRejected, probe, type Probe } from '../media/probe.ts';
import { type MediaStore, MediaUnavailable, type TusOptions } from '../media/store.ts';
import { openMediaStore } from '../media/open.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures/media');
const MEGABYTE = 1024 * 1024;

let directory: string;
let store: MediaStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'everpost-media-'));
  store = openMediaStore(`file:${directory}`);
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const video = { width: 180, height: 320, durationMs: 1000, fps: 30 };
const image = { width: 120, height: 160, durationMs: null, fps: null };

test.each<[string, Partial<Probe>]>([
  ['video.mp4', { ...video, container: 'mp4', codec: 'h264', contentType: 'video/mp4' }],
  ['hevc.mp4', { ...video, container: 'mp4', codec: 'hevc', contentType: 'video/mp4' }],
  ['rotated.mp4', { ...video, width: 320, height: 180 }],
  ['video.mov', { ...video, container: 'mov', codec: 'h264', contentType: 'video/quicktime' }],
  ['video.webm', { ...video, container: 'webm', codec: 'vp9', contentType: 'video/webm' }],
  ['no-duration.webm', { ...video, container: 'webm', durationMs: null }],
  ['image.jpg', { ...image, container: 'jpeg', codec: 'jpeg', contentType: 'image/jpeg' }],
  ['image.webp', { ...image, container: 'webp', codec: 'webp', contentType: 'image/webp' }],
  ['image.png', { ...image, container: 'png', codec: 'png', contentType: 'image/png' }],
])('%s is probed', async (name, expected) => {
  await put('key', name);
  const bytes = await readFile(join(FIXTURES, name));
  const found = await probe(store, 'key');
  expect(found).toMatchObject({ ...expected, size: bytes.length, sha256: sha256(bytes) });
  expect(() => checkSize(bytes.length, found.size)).not.toThrow();
});

test('the bit rate excludes sound', async () => {
  await put('key', 'video.mp4');
  const bytes = await readFile(join(FIXTURES, 'video.mp4'));
  const { bitRate } = await probe(store, 'key');
  expect(bitRate).toBeGreaterThan(0);
  // A second of video: sound and index are the rest of the file.
  expect(bitRate).toBeLessThan(bytes.length * 8);
});

test.each([
  ['text.mp4', 'unreadable'],
  ['truncated.mp4', 'truncated'],
  ['image.gif', 'unsupported'],
])('%s is rejected: %s', async (name, code) => {
  await put('key', name);
  await expect(probe(store, 'key')).rejects.toMatchObject({ name: 'MediaRejected', code });
});

test('a video without its end after its index is rejected', async () => {
  const bytes = await readFile(join(FIXTURES, 'video.mp4'));
  await writeFile(join(directory, 'key'), bytes.subarray(0, 9_000));
  await expect(probe(store, 'key')).rejects.toMatchObject({ code: 'truncated' });
});

test('an empty file and noise are rejected', async () => {
  await writeFile(join(directory, 'empty'), '');
  await writeFile(join(directory, 'noise'), randomBytes(MEGABYTE));
  await expect(probe(store, 'empty')).rejects.toMatchObject({ code: 'empty' });
  await expect(probe(store, 'noise')).rejects.toBeInstanceOf(MediaRejected);
});

test('a file with another size than announced is rejected', async () => {
  await put('key', 'video.mov');
  const { size } = await probe(store, 'key');
  for (const announced of [size - 1, size + 1])
    expect(() => checkSize(announced, size)).toThrow(expect.objectContaining({ code: 'claims_mismatch' }));
});

test('a large file is probed with little memory and few reads', async () => {
  await putPadded('key', 300 * MEGABYTE);
  const looks: number[] = [];
  const watched: MediaStore = {
    ...store,
    read: (key, options = {}) => {
      if (options.end !== undefined) looks.push(options.end - (options.start ?? 0) + 1);
      return store.read(key, options);
    },
  };
  const peaks = { early: 0, late: 0 };
  const progress: number[] = [];
  const found = await probe(watched, 'key', {
    onProgress: (bytes) => {
      progress.push(bytes);
      const phase = bytes < 100 * MEGABYTE ? 'early' : 'late';
      peaks[phase] = Math.max(peaks[phase], process.memoryUsage.rss());
    },
  });
  expect(found).toMatchObject({ ...video, container: 'mov', codec: 'h264' });
  expect(sum(looks)).toBeLessThan(MEGABYTE);
  // Garbage may grow up to a plateau; retained memory would be 200 MB by now.
  expect(peaks.late - peaks.early).toBeLessThan(64 * MEGABYTE);
  expect(progress[0]).toBe(0);
  expect(progress.at(-1)).toBe(found.size);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
});

test('probing stops on request, right away and in the middle', async () => {
  await putPadded('key', 20 * MEGABYTE);
  const reason = new Error('worker is shutting down');
  await expect(probe(store, 'key', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);

  const controller = new AbortController();
  const onProgress = (bytes: number): void => {
    if (bytes > 0) controller.abort(reason);
  };
  await expect(probe(store, 'key', { signal: controller.signal, onProgress })).rejects.toBe(reason);
});

test('an error of the store does not blame the file', async () => {
  await put('key', 'video.mp4');
  const outage = new Error('EIO');
  const broken: MediaStore = { ...store, read: (key) => store.read(key).destroy(outage) };
  await expect(probe(broken, 'key')).rejects.toBe(outage);
});

test('ranges include both ends', async () => {
  await writeFile(join(directory, 'key'), '0123456789');
  expect(await store.open('key')).toBe(10);
  expect(await text('key', { start: 2, end: 4 })).toBe('234');
  expect(await text('key', { start: 7 })).toBe('789');
  expect(await text('key')).toBe('0123456789');
});

test.each(['missing', '../secret', 'a/b', 'key.json', '', '.'])('the key %j opens nothing', async (key) => {
  await writeFile(join(directory, 'key.json'), '{}');
  await expect(store.open(key)).rejects.toMatchObject({ name: 'MediaUnavailable', code: 'missing' });
});

test('removal is final, complete and repeatable', async () => {
  const tus = await serveTus();
  await tus.create('key', 3);
  await tus.patch('key', 0, Buffer.from('abc'));
  await store.remove('key');
  await store.remove('key');
  expect(await readdir(directory)).toEqual([]);
  await expect(store.open('key')).rejects.toBeInstanceOf(MediaUnavailable);
  await tus.close();
});

test('an upload survives a broken connection and a restart', async () => {
  const bytes = await readFile(join(FIXTURES, 'video.mp4'));
  const half = bytes.length >> 1;
  const first = await serveTus();
  await first.create('key', bytes.length);
  await first.breakOffPatch('key', bytes, half);
  expect(await first.offset('key')).toBe(half);
  await expect(store.open('key')).rejects.toMatchObject({ code: 'unfinished' });
  await first.close();

  store = openMediaStore(`file:${directory}`);
  const second = await serveTus();
  expect(await second.offset('key')).toBe(half);
  expect(await second.patch('key', half, bytes.subarray(half))).toBe(204);
  await second.close();
  expect(await probe(store, 'key')).toMatchObject({ sha256: sha256(bytes), codec: 'h264' });
});

test('only unfinished uploads expire', async () => {
  const tus = await serveTus({ expiresInMs: 1_000 });
  await tus.create('finished', 3);
  await tus.patch('finished', 0, Buffer.from('abc'));
  await tus.create('partial', 3);
  await tus.patch('partial', 0, Buffer.from('ab'));
  const later = store.tusStore({ expiresInMs: 1_000 });
  expect(await later.deleteExpired()).toBe(0);

  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5_000 });
  await tus.create('fresh', 3);
  expect(await later.deleteExpired()).toBe(1);
  vi.useRealTimers();
  expect(await store.open('finished')).toBe(3);
  expect((await readdir(directory)).toSorted()).toEqual(['finished', 'finished.json', 'fresh', 'fresh.json']);
  await tus.close();
});

test.each([
  ['s3:bucket/prefix', 'S3 is not supported yet'],
  ['s3://bucket', 'S3 is not supported yet'],
  ['/var/lib/media', 'is a file: URL'],
  ['https://example.com', 'is a file: URL'],
  ['file:', 'names no directory'],
  ['file://host/media', 'must not name a host'],
])('the store URL %s is refused', (url, message) => {
  expect(() => openMediaStore(url)).toThrow(message);
});

test.each(['file:', 'file://'])('%s/absolute/path opens that directory', async (prefix) => {
  await put('key', 'image.png');
  expect(await openMediaStore(`${prefix}${directory}`).open('key')).toBeGreaterThan(0);
});

test('file:relative/path starts from the working directory', async () => {
  vi.spyOn(process, 'cwd').mockReturnValue(join(directory, '..'));
  await put('key', 'image.png');
  expect(await openMediaStore(`file:${basename(directory)}`).open('key')).toBeGreaterThan(0);
  vi.restoreAllMocks();
});

async function put(key: string, fixture: string): Promise<void> {
  await copyFile(join(FIXTURES, fixture), join(directory, key));
}

/** The MOV fixture with a `free` box of `padding` bytes before its index: sparse, so that it costs no disk. */
async function putPadded(key: string, padding: number): Promise<void> {
  const bytes = await readFile(join(FIXTURES, 'video.mov'));
  const index = bytes.lastIndexOf('moov') - 4;
  const header = Buffer.alloc(8);
  header.writeUInt32BE(padding);
  header.write('free', 4);
  const file = await open(join(directory, key), 'w');
  await file.write(bytes, 0, index, 0);
  await file.write(header, 0, header.length, index);
  await file.write(bytes, index, bytes.length - index, index + padding);
  await file.close();
}

async function text(key: string, range?: { start?: number; end?: number }): Promise<string> {
  return Buffer.concat(await store.read(key, range).toArray()).toString();
}

/** A tus server on the current store, and a client's few requests. */
async function serveTus(options?: TusOptions) {
  const tus = new Server({
    path: '/files',
    datastore: store.tusStore(options),
    namingFunction: (_request, metadata) => metadata?.['key'] ?? 'unnamed',
  });
  const server = createServer((req, res) => void tus.handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  const urlOf = (key = ''): string => `http://127.0.0.1:${address.port}/files/${key}`;
  const headers = { 'Tus-Resumable': '1.0.0' };
  const patchHeaders = (offset: number) => ({
    ...headers,
    'Upload-Offset': String(offset),
    'Content-Type': 'application/offset+octet-stream',
  });

  return {
    async create(key: string, size: number): Promise<void> {
      const metadata = `key ${Buffer.from(key).toString('base64')}`;
      const response = await fetch(urlOf(), {
        method: 'POST',
        headers: { ...headers, 'Upload-Length': String(size), 'Upload-Metadata': metadata },
      });
      expect(response.status).toBe(201);
    },
    async patch(key: string, offset: number, body: Uint8Array<ArrayBuffer>): Promise<number> {
      const response = await fetch(urlOf(key), { method: 'PATCH', headers: patchHeaders(offset), body });
      return response.status;
    },
    /** Announces all of `bytes`, sends `sent` of them and drops the connection. */
    async breakOffPatch(key: string, bytes: Uint8Array, sent: number): Promise<void> {
      const client = request(urlOf(key), {
        method: 'PATCH',
        headers: { ...patchHeaders(0), 'Content-Length': bytes.length },
      });
      const closed = new Promise<unknown>((done) => client.on('error', done).on('close', done));
      client.write(bytes.subarray(0, sent));
      await vi.waitUntil(async () => (await stat(join(directory, key))).size === sent);
      client.destroy();
      await closed;
    },
    async offset(key: string): Promise<number> {
      const response = await fetch(urlOf(key), { method: 'HEAD', headers });
      return Number(response.headers.get('Upload-Offset'));
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

test.each([
  ['AVC', 'h264'],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
  ['toString', 'tostring'],
  ['\u0000', 'unknown'],
])('A codec that the file calls "%s" is "%s".', (format, name) => {
  expect(codecOf(format)).toBe(name);
});
