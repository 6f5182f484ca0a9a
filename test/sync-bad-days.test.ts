import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createCreator } from '../sandbox/testing/creator.ts';
import type { Json } from '../stack/client.ts';
import { createWorld, until, type World } from './world.ts';

/* Sync on bad days of a platform, with real processes, PostgreSQL, Temporal and the sandbox over HTTP. */

let world: World;
let creator: ReturnType<typeof createCreator>;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  creator = createCreator(world.sandbox.url, 'tiktok');
});
afterAll(() => world?.close());
afterEach(async () => {
  await world.control('DELETE', '/faults');
  await world.control('DELETE', '/tiktok/pages');
});

const DAY = 86_400_000;
const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);
const made = (openId: string, count: number) =>
  creator.makeMany({
    account: openId,
    text: 'old',
    createdAt: Date.now() - 2 * DAY,
    count,
    everyMs: 3_600_000,
  });

/** A connected creator whose videos, which are not ours, have been copied. */
async function copied(name: string, videos: number) {
  onTestFailed(() => world.tell());
  await world.control('POST', '/tiktok/creators', { username: name });
  const summary: Json = await world.control('GET', '/');
  const creators: Json[] = summary['tiktok'].creators;
  const openId: string = creators.find((one) => one['username'] === name)?.['openId'];
  const ids = await made(openId, videos);
  const account = await world.connect(name);
  await passes(account, '');
  return { account, openId, ids };
}

async function media(account: string): Promise<Json> {
  const { body } = await world.call('GET', `/api/accounts/${account}/sync`);
  return body.data.find((line: Json) => line['stream'] === 'media');
}
const ask = (account: string) =>
  world.call('POST', `/api/accounts/${account}/sync`, { body: { streams: ['media'], mode: 'full' } });
const passes = (account: string, after: string) =>
  until('the end of a pass', async () => {
    const line = await media(account);
    return line?.['state'] === 'idle' && (line['lastSuccessAt'] ?? '') > after ? line : null;
  });

/** Asks for a full pass and waits for its end. */
async function sync(account: string): Promise<Json> {
  const { lastSuccessAt } = await media(account);
  await ask(account);
  return passes(account, lastSuccessAt);
}
const idsOf = async (account: string) =>
  (
    await rows(
      sql`select video_id from tiktok_videos where oauth_account_id = ${account} and removed_at is null`,
    )
  )
    .map((row) => String(row['video_id']))
    .toSorted();

test('a stream fails while the platform answers 500, says so once, and then goes on', async () => {
  const { account, openId, ids } = await copied('broken', 25);
  const more = await made(openId, 3);
  await world.fault({ endpoint: 'video.list', kind: 'status', http: 500, times: 0, account: openId });
  for (const state of ['running', 'running', 'failed', 'failed']) {
    const { lastAttemptAt } = await media(account);
    await ask(account);
    const line = await until('a failed try', async () => {
      const now = await media(account);
      return now['lastAttemptAt'] > lastAttemptAt && now['reason'] !== null ? now : null;
    });
    expect(line).toMatchObject({ state, nextDueAt: expect.any(String) });
  }
  await world.control('DELETE', '/faults');
  expect(await sync(account)).toMatchObject({ reason: null });
  expect(await idsOf(account)).toEqual([...ids, ...more].toSorted());
  const told = await rows(sql`select kind from changes where oauth_account_id = ${account}
    and kind in ('sync.failed', 'sync.resumed') order by seq`);
  expect(told.map(({ kind }) => kind)).toEqual(['sync.failed', 'sync.resumed']);
});

test('a pass whose cursor is refused begins again, removes nothing, and is not complete', async () => {
  const { account, openId, ids } = await copied('refused', 45);
  const { fullPassCompletedAt } = await media(account);
  await creator.remove(ids[0] ?? '');
  await world.control('POST', '/tiktok/pages', { page: 'refuse', openId });
  expect(await sync(account)).toMatchObject({ state: 'idle', fullPassCompletedAt });
  expect(await idsOf(account)).toEqual(ids.toSorted());
  await world.control('POST', '/tiktok/pages', { page: 'refuse', openId, times: 0 });
  await ask(account);
  await until('the stream to give up', async () =>
    (await media(account))['reason'] === 'cursor_refused' ? true : null,
  );
  expect(await media(account)).toMatchObject({ state: 'failed' });
});

test('short, empty, overlapping and repeated pages lose no video and remove none', async () => {
  const { account, openId, ids } = await copied('pages', 65);
  for (const page of ['short', 'empty', 'overlap', 'repeat'])
    await world.control('POST', '/tiktok/pages', { page, openId });
  await sync(account);
  expect(await idsOf(account)).toEqual(ids.toSorted());
});

test('answers that are no JSON, cut off, broken off or slow are asked for again, and change nothing', async () => {
  const { account, openId, ids } = await copied('answers', 25);
  const faults = [
    { kind: 'html', http: 200 },
    { kind: 'cut' },
    { kind: 'truncated' },
    { kind: 'trickle', bytes: 400, ms: 10 },
  ];
  for (const fault of faults) {
    await world.fault({ endpoint: 'video.list', account: openId, ...fault });
    const { lastAttemptAt } = await media(account);
    await ask(account);
    await until('a try', async () => ((await media(account))['lastAttemptAt'] > lastAttemptAt ? true : null));
    await sync(account);
    expect(await idsOf(account)).toEqual(ids.toSorted());
  }
});

test('a token that ends in the middle of a pass is renewed, and the pass goes on', async () => {
  const { account, openId, ids } = await copied('token', 65);
  const { rowsSeen } = await media(account);
  await world.fault({
    endpoint: 'video.list',
    kind: 'status',
    http: 401,
    code: 'access_token_invalid',
    account: openId,
    after: 2,
  });
  const line = await sync(account);
  expect(line).toMatchObject({ state: 'idle', reason: null });
  // Every row once: the pass has not begun again.
  expect(line['rowsSeen'] - rowsSeen).toBeLessThanOrEqual(ids.length + 3);
  expect(await idsOf(account)).toEqual(ids.toSorted());
});
