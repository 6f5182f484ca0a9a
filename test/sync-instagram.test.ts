import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCallCounter } from '../sandbox/testing/creator.ts';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, type Json, type World } from './world.ts';
import { createInstagramSync } from './world/instagram.ts';

/* Instagram is copied, by both logins: with real processes, PostgreSQL, Temporal and the sandbox over HTTP. */

let world: World;
let instagram: InstagramWorld;
let counter: ReturnType<typeof createCallCounter>;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
  counter = createCallCounter(world.sandbox.url);
});
afterAll(() => world.close());

const DAY = 86_400_000;
const HOUR = 3_600_000;
const { rows, connected, lines, firstPass, sync, media, kinds } = createInstagramSync(() => world);
const one = async (account: string, igId: string): Promise<Json> =>
  (await media(account)).find((row) => row['ig_id'] === igId);

describe.each(['facebook_login', 'instagram_login'] as const)('%s', (method) => {
  const short = method === 'facebook_login' ? 'fb' : 'ig';

  test('the first pass copies the profile and all media, and tells of no creation', async () => {
    let ids: string[] = [];
    const { account } = await connected(`first_${short}`, {
      method,
      biography: 'hello',
      followers: 2 ** 33,
      prepare: async (of) => {
        ids = await instagram.makeManyMedia(130, {
          account: of,
          caption: 'old',
          likes: 3,
          spreadMs: 100 * DAY,
          createdAt: Date.now() - DAY,
        });
      },
    });
    await firstPass(account, ['profile', 'media', 'stories']);
    const copies = await media(account);
    expect(new Set(copies.map((row) => row['ig_id']))).toEqual(new Set(ids));
    expect(copies[0]).toMatchObject({ caption: 'old', like_count: '3', source: 'page', removed_at: null });
    expect(copies[0]?.['saved_count'] === null).toBe(method === 'instagram_login');
    expect(JSON.stringify(copies.map(({ raw }) => raw))).not.toMatch(/https:\/\/scontent|access_token/);
    const told = await kinds(account);
    expect(told).not.toContain('media.created');
    expect(told).toContain('sync.completed');
    const [profile] = await rows(sql`select * from account_profiles where oauth_account_id = ${account}`);
    expect(profile).toMatchObject({ username: `first_${short}`, biography: 'hello', website: null });
    expect(Number(profile?.['followers'])).toBe(2 ** 33);
    expect((await lines(account))['replies']).toMatchObject({ state: 'unsupported' });
    expect((await lines(account))['media']).toMatchObject({ backfillComplete: true, coveredUntil: null });
  });

  test('an incremental round finds what is new, edited and counted', async () => {
    let ids: string[] = [];
    const { account, igId } = await connected(`news_${short}`, {
      method,
      prepare: async (of) => {
        ids = await instagram.makeManyMedia(20, { account: of, caption: 'old', createdAt: Date.now() - DAY });
      },
    });
    await firstPass(account, ['media']);
    const { id } = await instagram.makeMedia({ account: `news_${short}`, caption: 'new' });
    const [edited = '', counted = ''] = ids;
    await instagram.editMedia(edited, { caption: 'edited' });
    await instagram.setCounts(counted, { likes: 2 ** 40 });
    await counter.forget();
    await sync(account, 'incremental');
    expect(await one(account, id)).toMatchObject({ caption: 'new' });
    expect(await one(account, edited)).toMatchObject({ caption: 'edited' });
    expect(Number((await one(account, counted))?.['like_count'])).toBe(2 ** 40);
    expect(await kinds(account)).toEqual(
      expect.arrayContaining(['media.created', 'media.updated', 'insights.updated']),
    );
    const { counts } = await counter.calls(igId);
    expect(counts['instagram.media'] ?? 0).toBeLessThanOrEqual(3);
  });
});

test('what is deleted is removed by proof, and what returns is restored', async () => {
  let ids: string[] = [];
  const { account } = await connected('gone', {
    prepare: async (of) => {
      ids = await instagram.makeManyMedia(15, { account: of, createdAt: Date.now() - DAY });
    },
  });
  await firstPass(account, ['media']);
  const [gone = ''] = ids;
  await instagram.deleteMedia(gone);
  await sync(account);
  expect(await one(account, gone)).toMatchObject({
    removed_reason: 'absent',
    removed_at: expect.anything(),
  });
  await instagram.restoreMedia(gone);
  await sync(account);
  expect(await one(account, gone)).toMatchObject({
    removed_reason: null,
    removed_at: null,
    missing_since: null,
  });
  expect(await kinds(account)).toEqual(expect.arrayContaining(['media.removed', 'media.restored']));
});

test('what a list leaves out while its id still answers stays', async () => {
  let ids: string[] = [];
  const { account } = await connected('lagging', {
    prepare: async (of) => {
      ids = await instagram.makeManyMedia(5, { account: of, createdAt: Date.now() - HOUR, spreadMs: HOUR });
    },
  });
  await firstPass(account, ['media']);
  await world.control('POST', '/instagram/options', { mediaListLagMs: 1.5 * HOUR });
  try {
    await sync(account);
  } finally {
    await world.control('POST', '/instagram/options', { mediaListLagMs: 0 });
  }
  expect((await media(account)).filter((row) => row['removed_at'] !== null)).toEqual([]);
  expect(ids.length).toBe(5);
});

test('one that Instagram refuses to tell of stays, and the others are removed', async () => {
  let ids: string[] = [];
  const { account } = await connected('unlisted', {
    prepare: async (of) => {
      ids = await instagram.makeManyMedia(5, { account: of, createdAt: Date.now() - DAY });
    },
  });
  await firstPass(account, ['media']);
  for (const id of ids.slice(0, 2)) await instagram.deleteMedia(id);
  const body = JSON.stringify({ error: { code: 100, error_subcode: 9_999_999, message: 'odd' } });
  await world.control('POST', '/faults', {
    endpoint: 'instagram.node',
    kind: 'status',
    http: 400,
    times: 1,
    body,
  });
  await sync(account);
  const copies = await media(account);
  expect(copies.filter((row) => row['removed_at'] !== null)).toHaveLength(1);
  expect(copies.filter((row) => row['missing_since'] !== null && row['removed_at'] === null)).toHaveLength(1);
});

test('many that are missing at once are held', async () => {
  let ids: string[] = [];
  const { account } = await connected('mass', {
    prepare: async (of) => {
      ids = await instagram.makeManyMedia(40, { account: of, createdAt: Date.now() - DAY });
    },
  });
  await firstPass(account, ['media']);
  for (const id of ids.slice(0, 20)) await instagram.deleteMedia(id);
  await sync(account);
  expect((await media(account)).filter((row) => row['removed_at'] !== null)).toEqual([]);
  expect((await lines(account))['media']).toMatchObject({ reason: 'removals_held: 20' });
  await rows(
    sql`update ig_media set missing_since = missing_since - interval '1 hour' where missing_since is not null`,
  );
  await sync(account);
  expect((await media(account)).filter((row) => row['removed_at'] !== null)).toHaveLength(20);
});

test('children of an album are copies that hang at it, and no list counts them', async () => {
  let album: Json = {};
  const { account } = await connected('album', {
    prepare: async (of) => {
      album = await instagram.makeMedia({
        account: of,
        mediaType: 'CAROUSEL_ALBUM',
        children: 3,
        createdAt: Date.now() - DAY,
      });
    },
  });
  await firstPass(account, ['media']);
  const copies = await media(account);
  expect(copies).toHaveLength(4);
  const children = copies.filter((row) => row['parent_ig_id'] === album['id']);
  expect(children.map((row) => row['child_index'])).toEqual([0, 1, 2]);
  await sync(account);
  expect((await media(account)).filter((row) => row['removed_at'] !== null)).toEqual([]);
});
