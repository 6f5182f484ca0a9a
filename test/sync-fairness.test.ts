import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createCallCounter, createCreator } from '../sandbox/testing/creator.ts';
import type { Json } from '../stack/client.ts';
import { createWorld, until, type World } from './world.ts';

/* Sync takes turns, and never delays a publish: real processes, with a platform that is slow. */

let world: World;
let creator: ReturnType<typeof createCreator>;
let counter: ReturnType<typeof createCallCounter>;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  creator = createCreator(world.sandbox.url, 'tiktok');
  counter = createCallCounter(world.sandbox.url);
});
afterEach(() => world.control('DELETE', '/faults'));
afterAll(() => world.close());

const DAY = 86_400_000;
/** The calls of a slice (activities/sync/slice.ts), and the slices of a worker at one time (worker.ts). */
const SLICE = 25;
const SLOTS = 4;

const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);

const slow = (ms: number) =>
  world.control('POST', '/faults', { endpoint: 'video.list', kind: 'slow', ms, times: 0 });

/** A connected account with this many videos, whose first pass is over. */
async function connected(name: string, videos: number, key?: string) {
  const id = await world.connect(name, key);
  const openId = await creator.accountOf(name);
  await until('the first pass', async () =>
    (await mediaLine(id))?.['last_success_at'] == null ? null : true,
  );
  if (videos > 0)
    await creator.makeMany({
      account: openId,
      text: 'old',
      createdAt: Date.now() - 2 * DAY,
      count: videos,
      everyMs: 3_600_000,
    });
  return { id, openId };
}

async function mediaLine(account: string): Promise<Json> {
  const [line] = await rows(
    sql`select * from sync_states where oauth_account_id = ${account} and stream = 'media'`,
  );
  return line;
}

async function askForAll(account: string, key?: string): Promise<void> {
  const { status } = await world.call('POST', `/api/accounts/${account}/sync`, {
    body: { mode: 'full', streams: ['media'] },
    ...(key === undefined ? {} : { key }),
  });
  expect(status).toBe(202);
}

const listCalls = async (openId?: string): Promise<number> =>
  (await counter.calls(openId)).counts['video.list'] ?? 0;

test(
  'the backfill of 60 accounts of a tenant keeps no other tenant waiting',
  { timeout: 300_000 },
  async () => {
    const { key } = await world.newUser();
    const many = [];
    for (let index = 0; index < 60; index += 1) many.push(await connected(`many_${index}`, 600, key));
    const other = await connected('other', 30);
    await slow(150);
    const before = await listCalls();
    for (const { id } of many) await askForAll(id, key);
    await until('the backfill to be under way', async () =>
      (await listCalls()) - before > SLICE ? true : null,
    );

    const [atAsking, own] = [await listCalls(), await listCalls(other.openId)];
    await askForAll(other.id);
    await until('the turn of the other tenant', async () =>
      (await listCalls(other.openId)) > own ? true : null,
    );
    // What was running, and at most as much again.
    expect((await listCalls()) - atAsking).toBeLessThanOrEqual(2 * SLOTS * SLICE);
  },
);

test(
  'a publish waits for no slice, and its account’s backfill goes on after it',
  { timeout: 300_000 },
  async () => {
    const account = await connected('publisher', 600);
    const others = [];
    for (let index = 0; index < 2 * SLOTS; index += 1) others.push(await connected(`busy_${index}`, 600));
    const videoId = await world.upload();
    await world.control('POST', '/faults', { endpoint: 'video.list', kind: 'slow', ms: 1_000, times: 0 });
    for (const { id } of [account, ...others]) await askForAll(id);
    await until('the account’s backfill to be under way', async () =>
      (await mediaLine(account.id))?.['cursor'] == null ? null : true,
    );
    // Nothing decides the post: it stays open.
    await world.control('POST', '/tiktok/options', { processingMs: 3_600_000 });
    const since = Date.now();
    const post = await world.publish({ accountId: account.id, mediaId: videoId });
    expect(post.status).toBe(202);
    await until('the post at the platform', async () =>
      (await world.requests('video.init')).length > 0 ? true : null,
    );
    // All places of sync are taken by slices that need twenty seconds.
    expect(Date.now() - since).toBeLessThan(15_000);

    await until('the backfill to wait', async () => {
      const before = (await mediaLine(account.id))?.['calls_used'];
      const { status } = await world.temporal.workflow.getHandle(`sync:${account.id}`).describe();
      return status.name === 'COMPLETED' && (await mediaLine(account.id))?.['calls_used'] === before
        ? true
        : null;
    });
    expect((await mediaLine(account.id))?.['cursor']).not.toBeNull();

    await world.control('DELETE', '/faults');
    await world.control('POST', '/tiktok/options', { processingMs: 0 });
    await world.control('POST', '/clock', { advanceMs: 3_700_000 });
    await world.untilPost(post.body.id, 'published');
    await until('the end of the backfill', async () =>
      (await mediaLine(account.id))?.['cursor'] === null ? true : null,
    );
  },
);
