import { join } from 'node:path';
import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, onTestFailed, test } from 'vitest';
import { migrateDatabase } from '../db/migrate.ts';
import { createCallCounter, createCreator } from '../sandbox/testing/creator.ts';
import type { Child } from '../stack/child.ts';
import { freePort } from '../stack/ports.ts';
import { type Postgres, startPostgres } from '../stack/postgres.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/*
 * A worker or PostgreSQL is killed (SIGKILL) in the middle of a pass: it goes on at its cursor. Nothing is there twice,
 * nothing is missing, and each kill costs one page that is read again at most.
 */

let world: World;
let worker: Child;
let postgres: Postgres;
let creator: ReturnType<typeof createCreator>;
let counter: ReturnType<typeof createCallCounter>;
/** Not the PostgreSQL that other test files use at the same time. */
let place: { dir: string; port: number; throwAway: true };

beforeAll(async () => {
  place = { dir: join(inject('runDir'), 'pg-killed'), port: await freePort(), throwAway: true };
  postgres = await startPostgres(place);
  await migrateDatabase(postgres.url);
  world = await createWorld({ databaseUrl: postgres.url, worker: false, env: { EVERPOST_SYNC: 'on' } });
  creator = createCreator(world.sandbox.url, 'tiktok');
  counter = createCallCounter(world.sandbox.url);
});
afterAll(async () => {
  await world?.close();
  await postgres?.stop();
});
beforeEach(async () => {
  worker = await world.spawn('worker');
});
afterEach(async () => {
  await worker.stop();
  await world.control('DELETE', '/faults');
});

const VIDEOS = 80;
/** Pages of 20 that each begin with the last one of the page before (providers/tiktok/reading.ts). */
const PAGES = Math.ceil((VIDEOS - 20) / 19) + 1;

const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);

/** A creator with videos, whose first pass is under way at a slow platform. */
async function connected(name: string) {
  onTestFailed(() => world.tell());
  await creator.setProfile(name, {});
  const openId = await creator.accountOf(name);
  const ids = await creator.makeMany({
    account: openId,
    text: 'old',
    createdAt: Date.now() - 172_800_000,
    count: VIDEOS,
    everyMs: 3_600_000,
    counts: { likes: 3, views: 50 },
  });
  await world.control('POST', '/faults', { endpoint: 'video.list', kind: 'slow', ms: 1_500, times: 0 });
  const account = await world.connect(name);
  return { account, openId, ids };
}

async function mediaLine(account: string): Promise<Json> {
  const [line] = await rows(
    sql`select * from sync_states where oauth_account_id = ${account} and stream = 'media'`,
  ).catch(() => []);
  return line;
}
const pageStored = (account: string, seen: number): Promise<Json> =>
  until('the next page', async () => {
    const line = await mediaLine(account);
    return line?.rows_seen > seen || line?.backfill_complete === true ? line : null;
  });
const listCalls = async (openId: string): Promise<number> =>
  (await counter.calls(openId)).counts['video.list'] ?? 0;

/** What there is after so many kills. */
async function expectWhole(
  { account, openId, ids }: { account: string; openId: string; ids: string[] },
  kills: number,
): Promise<void> {
  const line = await until('the end of the pass', async () => {
    const now = await mediaLine(account);
    return now?.state === 'idle' && now.backfill_complete === true ? now : null;
  });
  expect(line).toMatchObject({ pass: 1, reason: null, full_pass_completed_at: expect.anything() });
  const copies = await rows(
    sql`select video_id, removed_at from tiktok_videos where oauth_account_id = ${account}`,
  );
  expect(copies).toHaveLength(ids.length);
  expect(new Set(copies.map((row) => row.video_id))).toEqual(new Set(ids));
  expect(copies.filter((row) => row.removed_at !== null)).toEqual([]);
  const numbers = await rows(sql`select subject_id, metric, count(*)::int from media_insights
    where oauth_account_id = ${account} group by subject_id, metric having count(*) > 1`);
  expect(numbers).toEqual([]);
  const ends = await rows(sql`select data from changes
    where oauth_account_id = ${account} and kind = 'sync.completed' and data ->> 'stream' = 'media'`);
  expect(ends).toHaveLength(1);
  expect(await listCalls(openId)).toBeLessThanOrEqual(PAGES + kills);
}

test('a worker that is killed after each page', { timeout: 400_000 }, async () => {
  const one = await connected('worker_killed');
  let kills = 0;
  for (let line = await pageStored(one.account, 0); !line.backfill_complete; kills += 1) {
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    worker = await world.spawn('worker');
    line = await pageStored(one.account, line.rows_seen);
  }
  expect(kills).toBe(PAGES - 1);
  await expectWhole(one, kills);
});

test('PostgreSQL that is killed while a page is on its way', { timeout: 400_000 }, async () => {
  const one = await connected('postgres_killed');
  const kills = 2;
  for (let kill = 0; kill < kills; kill += 1) {
    const line = await pageStored(one.account, (await mediaLine(one.account))?.rows_seen ?? 0);
    const calls = await listCalls(one.openId);
    await until('the call for the next page', async () =>
      (await listCalls(one.openId)) > calls || line.backfill_complete ? true : null,
    );
    process.kill(postgres.pid, 'SIGKILL');
    await postgres.child.exited;
    // Its other processes end by themselves, and hold the data directory until then.
    postgres = await until('PostgreSQL to start again', () => startPostgres(place).catch(() => null));
  }
  await expectWhole(one, kills);
});
