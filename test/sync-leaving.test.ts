import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createCallCounter, createCreator } from '../sandbox/testing/creator.ts';
import { createInstagramWorld } from '../sandbox/testing/instagram.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import { SYNC_DUE_ID } from '../temporal/names.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/* A creator leaves while a page is on its way to us, or removes the app and comes back. */

const DAY = 86_400_000;

let world: World;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
});
afterEach(() => world.control('DELETE', '/faults'));
afterAll(() => world?.close());

const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);

/** What a platform calls its things. */
interface Platform {
  name: 'tiktok' | 'instagram' | 'threads';
  /** The list of media, and the endpoint of its pages. */
  list: string;
  /** The endpoint below each media, if the platform has comments. */
  comments: string | null;
  table: string;
  key: string;
  profile: (username: string) => Promise<unknown>;
  comment: (media: string) => Promise<unknown>;
  /** The creator removes the app. */
  remove: (username: string, providerId: string) => Promise<unknown>;
  /** The media of a page, and how many of them the page before has shown. */
  pageSize: number;
  overlap: number;
}

const none = (): Promise<null> => Promise.resolve(null);
const PLATFORMS: readonly Platform[] = [
  {
    name: 'tiktok',
    list: 'video.list',
    comments: null,
    table: 'tiktok_videos',
    key: 'video_id',
    profile: (username) => world.control('POST', '/tiktok/creators', { username }),
    comment: none,
    remove: (_username, openId) => world.control('POST', '/tiktok/revoke', { openId, reason: 1 }),
    pageSize: 20,
    overlap: 1,
  },
  {
    name: 'instagram',
    list: 'instagram.media',
    comments: 'instagram.comments',
    table: 'ig_media',
    key: 'ig_id',
    async profile(username) {
      await world.control('POST', '/instagram/accounts', { username });
      await world.control('POST', '/instagram/users', { name: username });
      await world.control('POST', '/instagram/pages', {
        name: username,
        user: username,
        instagram: username,
      });
    },
    comment: (media) =>
      createInstagramWorld(world.sandbox.url).comment(media, 'a comment', {
        event: false,
        username: 'fan',
      }),
    remove: (user) => world.control('POST', '/instagram/revoke', { user }),
    pageSize: 100,
    overlap: 0,
  },
  {
    name: 'threads',
    list: 'threads.posts',
    comments: 'threads.conversation',
    table: 'threads_media',
    key: 'threads_id',
    profile: (username) => world.control('POST', '/threads/profiles', { username }),
    comment: (media) => createThreadsWorld(world.sandbox.url).comment(media, 'a comment'),
    remove: (username) => world.control('POST', '/threads/revoke', { username }),
    pageSize: 100,
    overlap: 0,
  },
];

/** A creator with media that are not ours, before any is read. */
async function creatorOf(platform: Platform, username: string, count: number) {
  onTestFailed(() => world.tell());
  await platform.profile(username);
  const creator = createCreator(world.sandbox.url, platform.name);
  const providerId = await creator.accountOf(username);
  const make = (many: number): Promise<string[]> =>
    creator.makeMany({
      account: providerId,
      text: 'a text',
      createdAt: Date.now() - DAY,
      count: many,
      everyMs: 60_000,
      counts: { likes: 3 },
    });
  const ids = await make(count);
  return { providerId, make, ids, username };
}

async function connect({ name }: Platform, creator: string): Promise<string> {
  const { answer } = await world.visitConsent({ creator }, world.user.key, name);
  const found = (await world.call('GET', '/api/accounts?limit=100')).body.data.find(
    (row: Json) => row.username === creator && row.provider === name,
  );
  if (found === undefined) throw new Error(`not connected: ${answer.status} ${answer.text}`);
  return found.id;
}

const lines = (account: string): Promise<Json[]> =>
  rows(sql`select * from sync_states where oauth_account_id = ${account} and state <> 'unsupported'`);
const mediaLine = async (account: string): Promise<Json> =>
  (await lines(account)).find(({ stream }) => stream === 'media');
const firstPass = (account: string): Promise<true> =>
  until('the first pass', async () => {
    const all = await lines(account);
    return all.length > 0 && all.every((line) => line.state === 'idle' && line.last_success_at !== null)
      ? true
      : null;
  });

const callsOf = async (endpoint: string): Promise<number> =>
  (await createCallCounter(world.sandbox.url).calls()).counts[endpoint] ?? 0;

/** Rows of an account in each table that has some. */
async function left(account: string): Promise<Record<string, number>> {
  const counts = await rows(sql`
    select 'ig_media' as of, count(*)::int as rows from ig_media m
      join instagram_accounts a on a.id = m.instagram_account_id where a.oauth_account_id = ${account}
    union all select 'ig_comments', count(*)::int from ig_comments c join ig_media m on m.id = c.ig_media_id
      join instagram_accounts a on a.id = m.instagram_account_id where a.oauth_account_id = ${account}
    union all select 'threads_media', count(*)::int from threads_media where oauth_account_id = ${account}
    union all select 'threads_replies', count(*)::int from threads_replies where oauth_account_id = ${account}
    union all select 'tiktok_videos', count(*)::int from tiktok_videos where oauth_account_id = ${account}
    union all select 'account_profiles', count(*)::int from account_profiles where oauth_account_id = ${account}
    union all select 'media_insights', count(*)::int from media_insights where oauth_account_id = ${account}
    union all select 'account_insights', count(*)::int from account_insights where oauth_account_id = ${account}
    union all select 'sync_states', count(*)::int from sync_states where oauth_account_id = ${account}
    union all select 'sync_subjects', count(*)::int from sync_subjects where oauth_account_id = ${account}
    union all select 'comment_actions', count(*)::int from comment_actions where oauth_account_id = ${account}
    union all select 'changes', count(*)::int from changes where oauth_account_id = ${account}`);
  return Object.fromEntries(counts.filter((row) => row.rows > 0).map((row) => [row.of, row.rows]));
}

/** The platform has decided what to answer, and takes seconds to send it: a few comments, or some media. */
const SLOWLY = { comments: { bytes: 4, ms: 50 }, media: { bytes: 50, ms: 50 } };

/** Asks for everything, and returns as soon as the platform has the call whose answer it holds back. */
async function holdPage(account: string, endpoint: string): Promise<void> {
  await world.control('DELETE', '/requests');
  await world.fault({
    endpoint,
    kind: 'trickle',
    ...(PLATFORMS.some(({ comments }) => comments === endpoint) ? SLOWLY.comments : SLOWLY.media),
  });
  expect(
    (
      await world.call('POST', `/api/accounts/${account}/sync`, {
        body: { mode: 'full' },
      })
    ).status,
  ).toBe(202);
  await until('the call', async () => ((await world.requests(endpoint)).length > 0 ? true : null));
}

/** Waits for the end of the round; nothing may be read after it. */
async function expectRest(account: string, endpoint: string): Promise<void> {
  const ended = (): Promise<true> =>
    until('the end of the round', async () => {
      const { status } = await world.temporal.workflow.getHandle(`sync:${account}`).describe();
      return status.name === 'RUNNING' ? null : true;
    });
  await ended();
  const calls = await callsOf(endpoint);
  const schedule = world.temporal.schedule.getHandle(SYNC_DUE_ID);
  const { numActionsTaken: before } = (await schedule.describe()).info;
  await schedule.trigger();
  await until('another look at what is due', async () => {
    const { numActionsTaken, runningActions } = (await schedule.describe()).info;
    return numActionsTaken > before && runningActions.length === 0 ? true : null;
  });
  await ended();
  expect(await callsOf(endpoint)).toBe(calls);
}

const PAGES = PLATFORMS.flatMap((platform) =>
  [platform.list, platform.comments].flatMap((endpoint) =>
    endpoint === null ? [] : [{ platform, endpoint, name: endpoint }],
  ),
);

/** An account whose first pass is over; the next page of its media has a new one. */
async function read(platform: Platform, username: string) {
  const creator = await creatorOf(platform, username, 5);
  await platform.comment(creator.ids[0] ?? '');
  const account = await connect(platform, username);
  await firstPass(account);
  await creator.make(1);
  return { account, ...creator };
}
const named = (verb: string, endpoint: string): string => `${verb}_${endpoint.replaceAll('.', '_')}`;

describe.each(PAGES)('while a page of $name is on its way', ({ platform, endpoint }) => {
  test('a disconnect keeps the copies, and nothing more is written', async () => {
    const { account } = await read(platform, named('off', endpoint));
    await holdPage(account, endpoint);
    expect((await world.call('DELETE', `/api/accounts/${account}`)).status).toBe(204);
    const before = await left(account);
    // A page of media that was read before is stored.
    expect(before).toMatchObject({
      [platform.table]: endpoint === platform.list ? 5 : 6,
    });
    await expectRest(account, endpoint);
    expect(await left(account)).toEqual(before);
    for (const line of await lines(account))
      expect(line).toMatchObject({ state: 'paused', reason: 'disconnected' });
  });
});

// TikTok asks for no deletion.
describe.each(PAGES.filter(({ platform }) => platform.name !== 'tiktok'))(
  'while a page of $name is on its way',
  ({ platform, endpoint }) => {
    test('a data deletion takes all copies, for good', async () => {
      const { account, username } = await read(platform, named('del', endpoint));
      await holdPage(account, endpoint);
      const who = platform.name === 'instagram' ? { user: username } : { username };
      await world.control('POST', `/${platform.name}/data-deletion`, who);
      await until('the deletion', async () => (Object.keys(await left(account)).length === 0 ? true : null));
      await expectRest(account, endpoint);
      expect(await left(account)).toEqual({});
    });
  },
);

describe.each(PLATFORMS)('$name: a creator removes the app in the middle of a pass', (platform) => {
  test(
    'the streams say what to do, and go on at the cursor after a reconnect',
    { timeout: 300_000 },
    async () => {
      const { pageSize, overlap } = platform;
      const pages = 4;
      const { providerId, username, ids } = await creatorOf(
        platform,
        `away_${platform.name}`,
        (pageSize - overlap) * pages - 2,
      );
      await world.fault({
        endpoint: platform.list,
        kind: 'slow',
        ms: 2_000,
        times: 0,
      });
      const account = await connect(platform, username);
      await until('a page', async () => ((await mediaLine(account))?.cursor == null ? null : true));
      await platform.remove(username, providerId);
      await until('the streams to stand', async () => {
        const all = await lines(account);
        return all.every(({ state }) => state === 'paused') ? all : null;
      });
      const shown = (await world.call('GET', `/api/accounts/${account}/sync`)).body.data;
      expect(shown.find(({ stream }: Json) => stream === 'media')).toMatchObject({
        state: 'paused',
        reason: 'reauth_required',
        nextDueAt: null,
        backfillComplete: false,
      });
      const stood = await mediaLine(account);
      expect(stood.cursor).not.toBeNull();
      await world.control('DELETE', '/faults');
      const before = await callsOf(platform.list);
      expect(await connect(platform, username)).toBe(account);
      const line = await until('the end of the pass', async () => {
        const now = await mediaLine(account);
        return now.backfill_complete ? now : null;
      });
      // A pass under two logins proves no absence.
      expect(line).toMatchObject({
        pass: stood.pass,
        state: 'idle',
        full_pass_completed_at: null,
      });
      const seen = (pageSize - overlap) * pages - 2 - Number(stood.rows_seen);
      expect((await callsOf(platform.list)) - before).toBeLessThanOrEqual(
        Math.ceil(seen / (pageSize - overlap)) + 1,
      );
      const copies = await rows(
        sql`select ${sql.identifier(platform.key)} as key from ${sql.identifier(platform.table)}`,
      );
      const found = new Set(copies.map(({ key }) => key));
      expect(ids.filter((id) => !found.has(id))).toEqual([]);
      const told = await rows(
        sql`select kind from changes where oauth_account_id = ${account} and kind = 'sync.resumed'`,
      );
      expect(told.length).toBeGreaterThan(0);
    },
  );
});
