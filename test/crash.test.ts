import { createHash, randomUUID } from 'node:crypto';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import type { Child } from '../stack/child.ts';
import { createWorld, paddedVideo, sampleVideo, until, type Json, type World } from './world.ts';

/* A dying worker and lost answers at each step of a publish: one live post, byte for byte. */

let world: World;
let worker: Child;
let accountId: string;
beforeAll(async () => {
  world = await createWorld();
  const first = world.children.find((child) => child.name === 'worker');
  if (first === undefined) throw new Error('no worker');
  worker = first;
});
afterAll(() => world?.close());
// Inits are limited for each account.
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  accountId = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const small = sampleVideo();
const large = paddedVideo(70_000_007);

async function killWorker(): Promise<void> {
  process.kill(worker.pid, 'SIGKILL');
  await worker.exited;
  worker = await world.spawn('worker');
}

async function start(bytes: Buffer): Promise<{ id: string; title: string }> {
  const title = `post ${randomUUID()}`;
  const accepted = await world.publish({
    accountId,
    mediaId: await world.upload(bytes),
    postInfo: { title, privacy_level: 'PUBLIC_TO_EVERYONE' },
  });
  expect(accepted.status).toBe(202);
  return { id: accepted.body.id, title };
}

/** Waits until the sandbox has seen this many requests of an endpoint from now on. */
async function seen(endpoint: string, count = 1): Promise<void> {
  await until(`${count} ${endpoint}`, async () =>
    (await world.requests(endpoint)).length >= count ? true : null,
  );
}

/** Waits until an attempt of the post has this status, so that the write is in progress. */
async function attemptIs(postId: string, status: string): Promise<void> {
  await until(`an attempt that is ${status}`, async () => {
    const { body } = await world.call('GET', `/api/debug/attempts?postId=${postId}`, {
      key: world.secrets.adminKey,
    });
    return body.data.some((attempt: Json) => attempt.status === status) ? true : null;
  });
}

async function expectOneLive({ id, title }: { id: string; title: string }, bytes: Buffer): Promise<void> {
  const post = await world.untilPost(id, 'published');
  const made = (await world.publishes()).filter((row) => row.postInfo?.title === title);
  const live = made.filter((row) => row.live);
  expect(live).toHaveLength(1);
  expect(live[0].id).toBe(post.publishId);
  expect(live[0].sha256).toBe(sha256(bytes));
}

test('a worker killed before init is sent', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'creator_info', kind: 'slow', ms: 8000, after: 1 });
  const post = await start(small);
  await attemptIs(post.id, 'prepared');
  await killWorker();
  await expectOneLive(post, small);
});

test('a worker killed during init', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'video.init', kind: 'slow', ms: 4000 });
  const post = await start(small);
  await attemptIs(post.id, 'sent');
  await killWorker();
  await expectOneLive(post, small);
});

test('a lost answer of init', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'video.init', kind: 'accept-then-drop' });
  const post = await start(small);
  await expectOneLive(post, small);
  const made = (await world.publishes()).filter((row) => row.postInfo?.title === post.title);
  expect(made).toHaveLength(2);
});

test.for(['accept-then-500', 'truncated', 'html'])('an answer of init that is %s', async (kind) => {
  onTestFailed(() => world.tell());
  await world.fault({
    endpoint: 'video.init',
    kind,
    ...(kind === 'html' ? { http: 502, when: 'after' } : {}),
  });
  await expectOneLive(await start(small), small);
});

test('a worker killed in the middle of the upload', async () => {
  onTestFailed(() => world.tell());
  await world.control('DELETE', '/requests');
  await world.fault({ endpoint: 'upload', kind: 'slow', ms: 6000, after: 3 });
  const post = await start(large);
  await seen('upload', 4);
  await killWorker();
  await expectOneLive(post, large);
  const made = (await world.publishes()).filter((row) => row.postInfo?.title === post.title);
  expect(made).toHaveLength(1);
});

test('a connection that breaks within a chunk, and a lost answer to the next one', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'upload', kind: 'drop-mid', afterBytes: 3_000_000, after: 1 });
  await world.fault({ endpoint: 'upload', kind: 'accept-then-drop', after: 3 });
  await world.fault({ endpoint: 'upload', kind: 'accept-then-500', after: 5 });
  await expectOneLive(await start(large), large);
});

test('a worker killed when the last chunk is accepted but not answered', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'upload', kind: 'accept-then-drop' });
  await world.fault({ endpoint: 'status', kind: 'slow', ms: 4000 });
  await world.control('DELETE', '/requests');
  const post = await start(small);
  await seen('upload');
  await killWorker();
  await expectOneLive(post, small);
});

test('a worker killed while TikTok decides', async () => {
  onTestFailed(() => world.tell());
  await world.control('POST', '/tiktok/options', { processingMs: 8000 });
  const post = await start(small);
  await world.untilPost(post.id, 'processing');
  await killWorker();
  await expectOneLive(post, small);
  await world.control('POST', '/tiktok/options', { processingMs: 200 });
});

test('an upload URL that expires on the way: a new init, still one post', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'upload', kind: 'status', http: 403, after: 2 });
  const post = await start(large);
  await expectOneLive(post, large);
  const made = (await world.publishes()).filter((row) => row.postInfo?.title === post.title);
  expect(made).toHaveLength(2);
});

/** Removes the byte count from status answers, as TikTok may. */
const hideBytes = (more: object): Promise<unknown> =>
  world.fault({
    endpoint: 'status',
    kind: 'status',
    http: 200,
    body: '{"data":{"status":"PROCESSING_UPLOAD"},"error":{"code":"ok"}}',
    ...more,
  });

test('a chunk’s lost answer without a status: the upload resumes at the upload host’s offset', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'upload', kind: 'accept-then-drop', after: 2 });
  await hideBytes({ times: 0 });
  await world.control('DELETE', '/requests');
  await expectOneLive(await start(large), large);
  // Seven chunks, and the refused third one again.
  expect(await world.requests('upload')).toHaveLength(8);
});

test.for<[string, Buffer, object, object]>([
  ['the last answer', small, {}, { times: 2 }],
  ['the last two answers', large, { after: 5, times: 2 }, { after: 1, times: 2 }],
])('%s of an upload lost, then its URL dead: no new init', async ([_name, bytes, lost, hidden]) => {
  onTestFailed(() => world.tell());
  await world.control('POST', '/tiktok/options', { processingMs: 8000 });
  await world.fault({ endpoint: 'upload', kind: 'accept-then-drop', ...lost });
  await world.fault({ endpoint: 'upload', kind: 'status', http: 404, ...lost, times: 1 });
  await hideBytes(hidden);
  await world.control('DELETE', '/requests');
  await expectOneLive(await start(bytes), bytes);
  expect(await world.requests('video.init')).toHaveLength(1);
  await world.control('POST', '/tiktok/options', { processingMs: 200 });
});
