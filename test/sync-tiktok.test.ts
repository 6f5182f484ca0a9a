import { readFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCallCounter, createCreator } from '../sandbox/testing/creator.ts';
import type { Json } from '../stack/client.ts';
import { createWorld, until, type World } from './world.ts';

/* TikTok is copied: profile and videos, with real processes, PostgreSQL, Temporal and the sandbox over HTTP. */

let world: World;
let creator: ReturnType<typeof createCreator>;
let counter: ReturnType<typeof createCallCounter>;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  creator = createCreator(world.sandbox.url, 'tiktok');
  counter = createCallCounter(world.sandbox.url);
});
afterAll(() => world.close());

const DAY = 86_400_000;
const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);

/** A connected creator with so many videos that are not ours. */
async function connected(name: string, videos: number) {
  await world.control('POST', '/tiktok/creators', { username: name });
  const openId = await openIdOf(name);
  const ids =
    videos === 0
      ? []
      : await creator.makeMany({
          account: openId,
          text: 'old',
          createdAt: Date.now() - 2 * DAY,
          count: videos,
          everyMs: 3_600_000,
          counts: { likes: 3, comments: 1, shares: 0, views: 50 },
        });
  const account = await world.connect(name);
  return { account, openId, ids };
}

async function openIdOf(name: string): Promise<string> {
  const summary: Json = await world.control('GET', '/');
  const list: Json[] = summary['tiktok'].creators;
  return list.find((one) => one['username'] === name)?.['openId'];
}

const lines = async (account: string): Promise<Record<string, Json>> => {
  const { body } = await world.call('GET', `/api/accounts/${account}/sync`);
  return Object.fromEntries(body.data.map((line: Json) => [line['stream'], line]));
};

/** Asks for a pass and waits for its end. */
async function sync(account: string, mode: 'incremental' | 'full' = 'full'): Promise<void> {
  const before = (await lines(account))['media']?.['lastSuccessAt'] ?? '';
  const { status } = await world.call('POST', `/api/accounts/${account}/sync`, { body: { mode } });
  expect(status).toBe(202);
  await until('the end of the pass', async () => {
    const line = (await lines(account))['media'];
    return line?.['state'] === 'idle' && (line['lastSuccessAt'] ?? '') > before ? true : null;
  });
}

const firstPass = (account: string) =>
  until('the first pass', async () =>
    (await lines(account))['media']?.['lastSuccessAt'] == null ? null : true,
  );

const videos = (account: string) =>
  rows(
    sql`select *, like_count::int as likes from tiktok_videos where oauth_account_id = ${account} order by create_time desc`,
  );

test('the first pass copies the profile and all videos, and tells of no creation', async () => {
  const { account, ids } = await connected('first', 45);
  await firstPass(account);
  expect(new Set((await videos(account)).map((row) => row['video_id']))).toEqual(new Set(ids));
  const kinds = await rows(
    sql`select kind, count(*)::int from changes where oauth_account_id = ${account} group by kind`,
  );
  expect(kinds.map(({ kind }) => kind)).not.toContain('media.created');
  expect(kinds.map(({ kind }) => kind)).toContain('sync.completed');
  const [profile] = await rows(sql`select * from account_profiles where oauth_account_id = ${account}`);
  expect(profile).toMatchObject({ username: 'first' });
});

test('TikTok’s other streams are unsupported, with a reason', async () => {
  const { account } = await connected('others', 0);
  await firstPass(account);
  expect((await lines(account))['comments']).toMatchObject({
    state: 'unsupported',
    reason: expect.stringContaining('comment'),
  });
});

test('an incremental round finds a new video with few calls, and a changed count', async () => {
  const { account, openId, ids } = await connected('news', 30);
  await firstPass(account);
  await counter.forget();
  const made = await creator.make({
    account: openId,
    text: 'new',
    createdAt: Date.now(),
    counts: { likes: 1, views: 2 },
  });
  await creator.setCounts(ids.at(-1) ?? '', { likes: 9 });
  await sync(account, 'incremental');
  const found = await videos(account);
  expect(found[0]).toMatchObject({ video_id: made, title: 'new' });
  expect(found.find((row) => row['video_id'] === ids.at(-1))).toMatchObject({ likes: 9 });
  const told = await rows(
    sql`select kind from changes where oauth_account_id = ${account} and kind <> 'sync.completed' order by seq`,
  );
  expect(told.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['media.created', 'insights.updated']));
  const { counts } = await counter.calls(openId);
  expect(counts['tiktok.list'] ?? counts['tiktok.video_list'] ?? 0).toBeLessThanOrEqual(3);
});

test('a video that is deleted is removed by a full pass, and one that returns is restored', async () => {
  const { account, ids } = await connected('gone', 25);
  await firstPass(account);
  const [gone = ''] = ids;
  await creator.remove(gone);
  await sync(account);
  const row = async () => (await videos(account)).find((one) => one['video_id'] === gone);
  expect(await row()).toMatchObject({ removed_reason: 'not_public', removed_at: expect.anything() });
  await creator.restore(gone);
  await sync(account);
  expect(await row()).toMatchObject({ removed_reason: null, removed_at: null, missing_since: null });
  const told = await rows(sql`select kind from changes where oauth_account_id = ${account} order by seq`);
  expect(told.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['media.removed', 'media.restored']));
});

test('many that are missing at once are held', async () => {
  const { account, ids } = await connected('mass', 40);
  await firstPass(account);
  await creator.remove(...ids.slice(0, 20));
  await sync(account);
  expect((await videos(account)).filter((row) => row['removed_at'] !== null)).toEqual([]);
  expect((await lines(account))['media']).toMatchObject({ reason: 'removals_held: 20' });
  await rows(
    sql`update tiktok_videos set missing_since = missing_since - interval '1 hour' where oauth_account_id = ${account}`,
  );
  await sync(account);
  expect((await videos(account)).filter((row) => row['removed_at'] !== null)).toHaveLength(20);
  expect((await lines(account))['media']).toMatchObject({ reason: null });
});

test('a stream counts every call that TikTok has seen: pages, failures, and checks by id', async () => {
  const { account, openId, ids } = await connected('counted', 25);
  await firstPass(account);
  await creator.remove(ids[0] ?? '');
  await world.fault({ endpoint: 'video.list', kind: 'status', http: 500, account: openId });
  await world.call('POST', `/api/accounts/${account}/sync`, { body: { mode: 'full' } });
  await until('the failure', async () => {
    const [row] = await rows(sql`
      select progress -> 'failures' as failures from sync_states where oauth_account_id = ${account} and stream = 'media'`);
    return row?.['failures'] === 1 ? true : null;
  });
  await sync(account);
  const { counts } = await counter.calls(openId);
  expect(counts['video.query']).toBe(1);
  expect((await lines(account))['media']?.['callsUsed']).toBe((counts['video.list'] ?? 0) + 1);
});

test('a profile that is read again is no news', async () => {
  const { account } = await connected('again', 0);
  await firstPass(account);
  await sync(account);
  await sync(account);
  const told = await rows(sql`
    select s.stream, count(*)::int from changes c join sync_states s on s.id = c.subject_id
    where c.oauth_account_id = ${account} and c.kind = 'sync.completed' group by s.stream order by s.stream`);
  expect(told).toContainEqual({ stream: 'profile', count: 1 });
});

test('texts, addresses and tokens stay out of the history, the logs and the feed', async () => {
  const text = 'a title that only its creator should read';
  await world.control('POST', '/tiktok/creators', { username: 'private', bio: `bio of ${text}` });
  await creator.make({ account: await openIdOf('private'), text, createdAt: Date.now() - DAY });
  const account = await world.connect('private');
  await firstPass(account);
  expect(await videos(account)).toEqual([expect.objectContaining({ title: text })]);
  const history = await world.temporal.workflow.getHandle(`sync:${account}`).fetchHistory();
  const inHistory = historyToJSON(history);
  const payloads = [...inHistory.matchAll(/"data": ?"([^"]+)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString(),
  );
  const logs = await Promise.all(world.logFiles.map((file) => readFile(file, 'utf8')));
  const feed = await rows(sql`select data from changes where oauth_account_id = ${account}`);
  const told = [inHistory, ...payloads, ...logs, JSON.stringify(feed)].join('\n');
  expect(told).not.toContain(text);
  expect(told).not.toMatch(/x-expires|act\.[\w-]{8}|cover_image/);
  expect(payloads.length).toBeGreaterThan(2);
  expect(payloads.every((payload) => payload.length < 4096)).toBe(true);
});
