import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createCreator } from '../sandbox/testing/creator.ts';
import { createInstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/* What a full pass proves about media that it does not show: the edges of a mass absence, and a list that is cut off. */

const DAY = 86_400_000;
const MINUTE = 60_000;

let world: World;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
});
afterAll(() => world?.close());

const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);

async function media(account: string): Promise<Json> {
  const { body } = await world.call('GET', `/api/accounts/${account}/sync`);
  return body.data.find(({ stream }: Json) => stream === 'media');
}
const passes = (account: string, after: string): Promise<Json> =>
  until('the end of a pass', async () => {
    const line = await media(account);
    return line?.state === 'idle' && (line.lastSuccessAt ?? '') > after ? line : null;
  });

/** Asks for a full pass and waits for its end. */
async function sync(account: string): Promise<Json> {
  const { lastSuccessAt } = await media(account);
  const body = { streams: ['media'], mode: 'full' };
  expect((await world.call('POST', `/api/accounts/${account}/sync`, { body })).status).toBe(202);
  return passes(account, lastSuccessAt);
}

describe('more than 20 % and more than 10 missing at once are held', () => {
  test.each([
    { all: 20, gone: 10, held: false, why: 'half of them, but only 10' },
    { all: 20, gone: 11, held: true, why: '11, more than 20 %' },
    { all: 100, gone: 20, held: false, why: '20 % exactly' },
    { all: 100, gone: 21, held: true, why: 'one more than 20 %' },
  ])('$gone of $all: $why', async ({ all, gone, held }) => {
    onTestFailed(() => world.tell());
    const creator = createCreator(world.sandbox.url, 'tiktok');
    const username = `mass_${gone}_of_${all}`;
    await creator.setProfile(username, {});
    const ids = await creator.makeMany({
      account: await creator.accountOf(username),
      createdAt: Date.now() - DAY,
      count: all,
      everyMs: MINUTE,
    });
    const account = await world.connect(username);
    await passes(account, '');
    await creator.remove(...ids.slice(3, 3 + gone));
    expect(await sync(account)).toMatchObject({
      reason: held ? `removals_held: ${gone}` : null,
    });
    const [removed] = await rows(sql`select count(*)::int from tiktok_videos
      where oauth_account_id = ${account} and removed_at is not null`);
    expect(removed?.count).toBe(held ? 0 : gone);
  });
});

test(
  'what fell out of a list that the platform cuts off stays, what is gone above it does not',
  {
    timeout: 400_000,
  },
  async () => {
    onTestFailed(() => world.tell());
    const username = 'capped';
    const instagram = createInstagramWorld(world.sandbox.url);
    await world.control('POST', '/instagram/accounts', { username });
    await world.control('POST', '/instagram/users', { name: username });
    await world.control('POST', '/instagram/pages', {
      name: username,
      user: username,
      instagram: username,
    });
    // Older than Instagram keeps numbers for.
    const newest = Date.now() - 800 * DAY;
    const ids = await instagram.makeManyMedia(10_003, {
      account: username,
      createdAt: newest,
      spreadMs: 10_002 * MINUTE,
    });
    const { answer } = await world.visitConsent({ creator: username }, world.user.key, 'instagram');
    const account: string = answer.body.accounts[0].id;
    const first = await passes(account, '');
    const copies = (): Promise<Json[]> =>
      rows(sql`select m.ig_id as id, m.timestamp, m.missing_since, m.removed_reason from ig_media m
      join instagram_accounts a on a.id = m.instagram_account_id where a.oauth_account_id = ${account}
      order by m.timestamp`);
    const before = await copies();
    expect(before.map(({ id }) => id)).toEqual(ids.slice(3));
    expect(first).toMatchObject({
      backfillComplete: true,
      coveredUntil: new Date(before[0]?.timestamp).toISOString(),
    });

    const [gone = ''] = ids.slice(5_000);
    await instagram.deleteMedia(gone);
    await instagram.makeManyMedia(4, {
      account: username,
      createdAt: newest + DAY,
      spreadMs: 3 * MINUTE,
    });
    const second = await sync(account);
    const after = await copies();
    expect(after.filter((row) => row.removed_reason !== null)).toEqual([
      expect.objectContaining({ id: gone, removed_reason: 'absent' }),
    ]);
    // Four are new and one is gone: the three oldest copies are beyond the cap.
    expect(after).toHaveLength(10_004);
    expect(after.filter((row) => row.missing_since !== null && row.id !== gone)).toEqual([]);
    expect(second).toMatchObject({
      coveredUntil: new Date(after[3]?.timestamp).toISOString(),
    });
  },
);
