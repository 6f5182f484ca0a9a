import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import type { Child } from '../stack/child.ts';
import { createWorld, type Json, sampleVideo, tusUpload, until, type World } from './world.ts';

/* Removal of files, and the errors of a media folder that is full, missing, foreign or not writable. */

let world: World;
let server: Child | undefined;
let accountId: string;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_MEDIA_RETENTION: '1d' } });
  // Tests run the sweep themselves.
  await world.temporal.schedule.getHandle('sweep').pause();
  [server] = world.children;
  accountId = await world.connect();
});
afterAll(() => world?.close());

const folder = (): string => join(world.dir, 'media');
const onDisk = (id: string): string => join(folder(), id);
const remove = (id: string) => world.call('DELETE', `/api/media/${id}`);
const status = async (id: string): Promise<number> => (await world.call('GET', `/api/media/${id}`)).status;
const announce = (size: number, headers: Record<string, string> = {}) =>
  world.call('POST', '/api/media', {
    body: { filename: 'v.mp4', contentType: 'video/mp4', size },
    headers,
  });
const tomorrow = (): string => new Date(Date.now() + 86_400_000).toISOString();

async function mediaCheck(): Promise<Json> {
  const { status: code, body } = await world.call('GET', '/readyz', { key: null });
  return { code, ...body.checks.media };
}

async function untilMedia(ok: boolean): Promise<Json> {
  return until(`the media folder to be ${ok ? 'right' : 'wrong'}`, async () => {
    const check = await mediaCheck().catch(() => null);
    return check?.ok === ok ? check : null;
  });
}

/** Restarts the server, perhaps in another environment. */
async function restart(under: readonly string[] = []): Promise<void> {
  await server?.stop();
  server = await world.spawn('server', {}, under);
  await until('the server to be up', async () =>
    (await world.call('GET', '/livez', { key: null }).catch(() => null))?.status === 200 ? true : null,
  );
}

const logOf = (child: Child | undefined): string => readFileSync(child?.logFile ?? '', 'utf8');

test('a deleted file is gone, for its owner and on disk', async () => {
  onTestFailed(() => world.tell());
  const id = await world.upload(sampleVideo());
  expect(existsSync(onDisk(id))).toBe(true);
  expect((await remove(id)).status).toBe(204);
  expect(await status(id)).toBe(404);
  expect(existsSync(onDisk(id))).toBe(false);
  expect(existsSync(`${onDisk(id)}.json`)).toBe(false);
  expect((await remove(id)).status).toBe(404);
  const post = await world.publish({ accountId, mediaId: id });
  expect([post.status, post.body.error.code]).toEqual([404, 'media_not_found']);
});

test('an unfinished upload and a rejected one can be deleted', async () => {
  onTestFailed(() => world.tell());
  const headers = { 'idempotency-key': randomUUID() };
  const { body: half } = await announce(5000, headers);
  expect((await remove(half.id)).status).toBe(204);
  const more = await world.call('HEAD', half.uploadUrl, { headers: { 'tus-resumable': '1.0.0' } });
  expect(more.status).toBe(404);
  const again = await announce(5000, headers);
  expect([again.status, again.body.error.details]).toEqual([410, { state: 'deleted' }]);

  const { body: bad } = await announce(5000);
  await tusUpload(bad.uploadUrl, Buffer.alloc(5000, 7), world.user.key);
  await until('the file to be rejected', async () =>
    (await world.call('GET', `/api/media/${bad.id}`)).body.state === 'rejected' ? true : null,
  );
  expect((await remove(bad.id)).status).toBe(204);
});

test('a file that an open post needs cannot be deleted, wherever the post names it', async () => {
  onTestFailed(() => world.tell());
  const id = await world.upload(sampleVideo());
  const other = await world.upload(Buffer.concat([sampleVideo(), Buffer.from('\0\0\0\x09freex', 'latin1')]));
  const { answer } = await world.visitConsent({}, world.user.key, 'threads');
  const threadsId = String(answer.body.accounts[0].id);
  const scheduledAt = tomorrow();
  const single = await world.publish({ accountId, mediaId: id, scheduledAt });
  const chain = await world.call('POST', '/api/threads/publish', {
    body: {
      accountId: threadsId,
      mediaType: 'TEXT',
      postInfo: { text: 'a chain' },
      replies: [{ mediaType: 'CAROUSEL', children: [{ mediaId: other }, { mediaId: id }] }],
      scheduledAt,
    },
  });
  expect([single.status, chain.status]).toEqual([202, 202]);

  const refused = await remove(id);
  expect([refused.status, refused.body.error.code]).toEqual([409, 'media_in_use']);
  const { postIds } = refused.body.error.details;
  expect(new Set(postIds)).toEqual(new Set([single.body.id, chain.body.id]));
  expect((await remove(other)).body.error.details).toEqual({ postIds: [chain.body.id] });
  for (const post of [single, chain]) await world.call('POST', `/api/posts/${post.body.id}/cancel`);
  expect((await remove(id)).status).toBe(204);
  expect((await remove(other)).status).toBe(204);
});

test('of a concurrent post and deletion, one is refused', async () => {
  onTestFailed(() => world.tell());
  for (let round = 0; round < 5; round += 1) {
    const mediaId = await world.upload(sampleVideo());
    const [post, gone] = await Promise.all([
      world.publish({ accountId, mediaId, scheduledAt: tomorrow(), allowDuplicate: true, mode: 'inbox' }),
      remove(mediaId),
    ]);
    expect([
      [202, 409],
      [404, 204],
    ]).toContainEqual([post.status, gone.status]);
  }
});

test('the sweep removes the files that a crashed process left behind', async () => {
  onTestFailed(() => world.tell());
  const id = await world.upload(sampleVideo());
  await world.database.db.execute(sql`update media set deleted_at = now() where id = ${id}`);
  expect(await world.sweep()).toMatchObject({ files: 1 });
  expect(existsSync(onDisk(id))).toBe(false);
  expect(await world.sweep()).toMatchObject({ files: 0 });
});

test('files that no open post needs are deleted after the retention', async () => {
  onTestFailed(() => world.tell());
  const [old, needed, used, fresh] = await Promise.all(Array.from({ length: 4 }, () => world.upload()));
  await world.publish({ accountId, mediaId: needed, scheduledAt: tomorrow(), allowDuplicate: true });
  const post = await world.publish({ accountId, mediaId: used, allowDuplicate: true });
  expect([post.status, post.text]).toEqual([202, expect.any(String)]);
  // Its last event changes the post, too.
  await until('the id of the video', async () => (await world.getPost(post.body.id)).providerPostId);
  for (const id of [old, needed, used])
    await world.database.db.execute(
      sql`update media set created_at = now() - interval '25 hours', uploaded_at = now() - interval '25 hours'
          where id = ${id}`,
    );
  await world.sweep();
  expect(await status(old ?? '')).toBe(404);
  expect(existsSync(onDisk(old ?? ''))).toBe(false);
  for (const id of [needed, used, fresh]) expect([id, await status(id ?? '')]).toEqual([id, 200]);

  await world.database.db.execute(
    sql`update posts set updated_at = now() - interval '25 hours' where id = ${post.body.id}`,
  );
  await world.sweep();
  expect(await status(used ?? '')).toBe(404);
});

test('a missing or foreign folder is reported as such, and never created', async () => {
  onTestFailed(() => world.tell());
  const id = await world.upload(sampleVideo());
  expect(await mediaCheck()).toEqual({ code: 200, ok: true });
  const away = join(world.dir, 'unmounted');
  renameSync(folder(), away);
  expect(await untilMedia(false)).toMatchObject({
    code: 503,
    message: expect.stringContaining('is missing'),
  });
  await restart();
  expect(await untilMedia(false)).toMatchObject({
    code: 503,
    message: expect.stringContaining('is missing'),
  });
  const refused = await announce(5000);
  expect([refused.status, refused.body.error]).toMatchObject([
    503,
    { code: 'media_store_unavailable', details: { reason: 'missing' } },
  ]);
  expect(existsSync(folder())).toBe(false);
  // The API is up, and its log says what is wrong.
  expect((await world.call('GET', '/api/posts')).status).toBe(200);
  await until('the log to say so', async () =>
    logOf(server).includes('"The media folder is missing') ? true : null,
  );

  renameSync(away, folder());
  await untilMedia(true);
  const mark = join(folder(), '.everpost-media');
  const own = readFileSync(mark, 'utf8');
  writeFileSync(mark, `${randomUUID()}\n`);
  expect(await untilMedia(false)).toMatchObject({ message: expect.stringContaining('another installation') });
  writeFileSync(mark, own);
  await untilMedia(true);
  expect((await remove(id)).status).toBe(204);
});

test('a worker with another folder than the servers reports it, and rejects nothing because of it', async () => {
  onTestFailed(() => world.tell());
  const right = world.children.find(({ name }) => name === 'worker');
  await right?.stop();
  const wrong = await world.spawn('worker', { EVERPOST_MEDIA: `file:${join(world.dir, 'elsewhere')}` });
  await until('the worker to say so', async () =>
    logOf(wrong).includes('"The media folder is missing') ? true : null,
  );
  const { body } = await announce(sampleVideo().length);
  await tusUpload(body.uploadUrl, sampleVideo(), world.user.key);
  await until('the worker to try', async () => (logOf(wrong).includes('probeMedia') ? true : null));
  expect((await world.call('GET', `/api/media/${body.id}`)).body.state).toBe('uploading');
  expect(existsSync(join(world.dir, 'elsewhere'))).toBe(false);
  await wrong.stop();
  await world.spawn('worker');
  await world.skipTime(`media:${body.id}`);
  await until('the file to be ready', async () =>
    (await world.call('GET', `/api/media/${body.id}`)).body.state === 'ready' ? true : null,
  );
});

/** Whether this system allows mounts that only one process sees. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-rm', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const MEGABYTE = 1_048_576;

test('a full disk is 507, named in the log, and deletions free space', async () => {
  onTestFailed(() => world.tell());
  const mark = readFileSync(join(folder(), '.everpost-media'), 'utf8').trim();
  // Without mounts, no file may be larger than two megabytes.
  const small = canMount()
    ? `mount -t tmpfs -o size=2m tmpfs '${folder()}' && echo ${mark} > '${folder()}/.everpost-media'`
    : `trap '' XFSZ; ulimit -f 4096`;
  await restart([...(canMount() ? ['unshare', '-rm'] : []), 'sh', '-c', `${small}; exec "$0" "$@"`]);
  await untilMedia(true);
  const { body } = await announce(4 * MEGABYTE);
  const headers = {
    'tus-resumable': '1.0.0',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    authorization: `Bearer ${world.user.key}`,
  };
  const answer = await fetch(body.uploadUrl, { method: 'PATCH', headers, body: Buffer.alloc(4 * MEGABYTE) });
  const error: Json = await answer.json();
  expect([answer.status, error]).toMatchObject([507, { error: { code: 'storage_full', retryable: true } }]);
  expect(logOf(server)).toContain(`"mediaId":"${body.id}"`);
  const { headers: state } = await world.call('HEAD', body.uploadUrl, {
    headers: { 'tus-resumable': '1.0.0' },
  });
  expect(Number(state.get('upload-offset'))).toBeGreaterThan(0);

  expect((await remove(body.id)).status).toBe(204);
  const next = await announce(1000);
  expect(next.status).toBe(201);
  await tusUpload(next.body.uploadUrl, Buffer.alloc(1000), world.user.key);
});

test('a folder that is not writable is reported as such', async () => {
  onTestFailed(() => world.tell());
  const bind = `mount --bind '${folder()}' '${folder()}' && mount -o remount,ro,bind '${folder()}'`;
  // Without mounts, the folder's mode stands in for it; root is not bound by modes, and fails here.
  const readOnly = canMount() ? bind : `chmod 500 '${folder()}'`;
  await restart([...(canMount() ? ['unshare', '-rm'] : []), 'sh', '-c', `${readOnly}; exec "$0" "$@"`]);
  expect(await untilMedia(false)).toMatchObject({
    code: 503,
    message: expect.stringContaining('cannot be written to'),
  });
  const refused = await announce(5000);
  expect([refused.status, refused.body.error]).toMatchObject([
    503,
    { code: 'media_store_unavailable', details: { reason: 'read_only' } },
  ]);
  if (!canMount()) execFileSync('chmod', ['700', folder()]);
});
