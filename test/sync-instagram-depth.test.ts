import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, type Json, type World } from './world.ts';
import { createInstagramSync } from './world/instagram.ts';

/* Comments and numbers of Instagram, by both logins; sync-instagram.test.ts has the lists. */

let world: World;
let instagram: InstagramWorld;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
});
afterAll(() => world.close());

const DAY = 86_400_000;
const HOUR = 3_600_000;
const { rows, connected, lines, firstPass, sync, comments, numbers, subject } = createInstagramSync(
  () => world,
);

describe.each(['facebook_login', 'instagram_login'] as const)('%s', (method) => {
  const short = method === 'facebook_login' ? 'fb' : 'ig';

  test('comments come with all of their replies, parents first', async () => {
    let post: Json = {};
    const { account } = await connected(`talk_${short}`, {
      method,
      prepare: async (of) => {
        post = await instagram.makeMedia({ account: of, createdAt: Date.now() - DAY });
        const top = await instagram.comment(post['id'], 'nice', { username: 'fan', event: false });
        await instagram.makeManyComments(post['id'], 60, { parentId: top.id, username: 'other' });
        await instagram.comment(post['id'], 'thanks', { own: true, parentId: top.id, event: false });
        await instagram.makeManyComments(post['id'], 70, { username: 'crowd' });
      },
    });
    await firstPass(account, ['media', 'comments']);
    const all = await comments(account);
    expect(all).toHaveLength(132);
    const top = all.find((row) => row['text'] === 'nice');
    expect(all.filter((row) => row['parent_ig_id'] === top['ig_id'])).toHaveLength(61);
    expect(all.filter((row) => row['own']).map((row) => row['text'])).toEqual(['thanks']);
    expect((await lines(account))['comments']).toMatchObject({ state: 'idle' });
  });

  test('numbers of media and of the account', async () => {
    let post: Json = {};
    const { account } = await connected(`numbers_${short}`, {
      method,
      prepare: async (of) => {
        post = await instagram.makeMedia({
          account: of,
          createdAt: Date.now() - 10 * DAY,
          views: 77,
          reach: 44,
        });
      },
    });
    await firstPass(account);
    expect(await numbers(account, post['id'])).toEqual(
      expect.arrayContaining([
        { metric: 'views', breakdown: '', value: 77, source: 'insights' },
        { metric: 'reach', breakdown: '', value: 44, source: 'insights' },
      ]),
    );
    expect(await subject(account, post['id'])).toMatchObject({ metrics_state: 'ok', refused_metrics: [] });
    const days = await rows(
      sql`select metric, period, day::text, value::float from account_insights where oauth_account_id = ${account}`,
    );
    expect(new Set(days.filter((row) => row['metric'] === 'views').map((row) => row['day'])).size).toBe(5);
    expect(days.filter((row) => row['metric'] === 'reach').length).toBeGreaterThan(50);
    const { callsUsed } = (await lines(account))['account_insights'] ?? {};
    expect(callsUsed).toBeLessThanOrEqual(15);
    expect(callsUsed).toBeGreaterThan(5);
  });
});

test('a refused metric is learnt, and the others are stored in the same round', async () => {
  let post: Json = {};
  await instagram.refuseMetrics(['reposts'], { productType: 'REELS' });
  const { account } = await connected('refused', {
    prepare: async (of) => {
      const reel = { account: of, mediaType: 'VIDEO', productType: 'REELS', views: 9 };
      post = await instagram.makeMedia({ ...reel, createdAt: Date.now() - 10 * DAY });
    },
  });
  await firstPass(account, ['media', 'media_insights']);
  expect(await subject(account, post['id'])).toMatchObject({
    metrics_state: 'ok',
    refused_metrics: ['reposts'],
  });
  expect((await numbers(account, post['id'])).find((row) => row['metric'] === 'views')).toMatchObject({
    value: 9,
  });
});

test('a media from before the conversion is a state of the media', async () => {
  let post: Json = {};
  const { account } = await connected('converted', {
    convertedAt: Date.now() - 5 * DAY,
    prepare: async (of) => {
      post = await instagram.makeMedia({ account: of, createdAt: Date.now() - 10 * DAY });
    },
  });
  await firstPass(account, ['media', 'media_insights']);
  expect(await subject(account, post['id'])).toMatchObject({
    metrics_state: 'before_conversion',
    next_due_at: null,
  });
});

test('a story with few viewers says so', async () => {
  let post: Json = {};
  const { account } = await connected('story', {
    prepare: async (of) => {
      post = await instagram.makeMedia({
        account: of,
        productType: 'STORY',
        views: 3,
        createdAt: Date.now() - HOUR,
      });
    },
  });
  await firstPass(account, ['stories', 'media_insights']);
  expect(await subject(account, post['id'])).toMatchObject({ metrics_state: 'too_few_viewers' });
});

test('a comment that is deleted is removed after ten minutes, by its id', async () => {
  let post: Json = {};
  const { account } = await connected('deleted_comment', {
    prepare: async (of) => {
      post = await instagram.makeMedia({ account: of, createdAt: Date.now() - DAY });
      await instagram.makeManyComments(post['id'], 3, { username: 'crowd' });
    },
  });
  await firstPass(account, ['media', 'comments']);
  const [gone] = await comments(account);
  await instagram.deleteComment(gone['ig_id']);
  await sync(account, 'full', ['comments']);
  const row = async () => (await comments(account)).find((one) => one['id'] === gone['id']);
  expect(await row()).toMatchObject({ removed_at: null, missing_since: expect.anything() });
  await rows(
    sql`update ig_comments set missing_since = missing_since - interval '11 minutes' where id = ${gone['id']}`,
  );
  await sync(account, 'full', ['comments']);
  expect(await row()).toMatchObject({ removed_reason: 'absent' });
});
