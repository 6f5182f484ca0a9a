import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, type Json, type World } from './world.ts';
import { createInstagramSync } from './world/instagram.ts';

/* Stories live for a day: their last numbers are read in time, or the copy says that they were missed. */

let world: World;
let instagram: InstagramWorld;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
});
afterAll(() => world.close());

const HOUR = 3_600_000;
const { rows, connected, firstPass, sync, media, numbers, subject, kinds } = createInstagramSync(() => world);

/** An account with one story, of which a first pass has told. */
async function withStory(username: string, ageMs: number, more: Json = {}) {
  let story = '';
  const { account } = await connected(username, {
    prepare: async (of) => {
      const made = { account: of, productType: 'STORY', createdAt: Date.now() - ageMs, views: 20, ...more };
      story = (await instagram.makeMedia(made)).id;
    },
  });
  await firstPass(account, ['stories', 'media_insights']);
  return { account, story };
}

/** Time goes by: the story, and what was read of it, are older. */
async function age(account: string, story: string, to: number): Promise<void> {
  const [copy] = await media(account);
  const by = `${Math.round((Date.parse(copy['timestamp']) - (Date.now() - to)) / 1000)} seconds`;
  await instagram.editMedia(story, { createdAt: Date.now() - to });
  await rows(sql`update ig_media set timestamp = timestamp - ${by}::interval where ig_id = ${story}`);
  await rows(sql`update sync_subjects set last_read_at = last_read_at - ${by}::interval,
    next_due_at = next_due_at - ${by}::interval where subject_id = ${story}`);
}

/** The age of the story at which it is read next, in hours. */
async function nextRead(account: string, story: string): Promise<number | null> {
  const [copy] = await media(account);
  const { next_due_at: next } = await subject(account, story);
  return next === null ? null : (Date.parse(next) - Date.parse(copy['timestamp'])) / HOUR;
}

const views = async (account: string, story: string): Promise<number[]> =>
  (await numbers(account, story)).filter(({ metric }) => metric === 'views').map(({ value }) => value);

test('a story is read at 22 and at 23.5 hours, and ends with its numbers', async () => {
  const { account, story } = await withStory('story_read', 21.5 * HOUR);
  expect(await nextRead(account, story)).toBeCloseTo(22, 2);
  await instagram.setCounts(story, { views: 30 });
  await age(account, story, 22.6 * HOUR);
  await sync(account, 'incremental', ['media_insights']);
  expect(await nextRead(account, story)).toBeCloseTo(23.5, 2);
  await instagram.setCounts(story, { views: 40 });
  await age(account, story, 23.6 * HOUR);
  await sync(account, 'incremental', ['media_insights']);
  expect(await nextRead(account, story)).toBeNull();
  await age(account, story, 24.1 * HOUR);
  await sync(account, 'full', ['stories', 'media_insights']);
  const [copy] = await media(account);
  expect(copy).toMatchObject({ removed_reason: 'expired' });
  expect(Date.parse(copy['removed_at']) - Date.parse(copy['timestamp'])).toBe(24 * HOUR);
  expect(await views(account, story)).toEqual([20, 30, 40]);
  expect(await subject(account, story)).toMatchObject({ metrics_state: 'ok', next_due_at: null });
  expect(await kinds(account)).not.toContain('media.removed');
});

test('a story whose last numbers were missed says so, and keeps what was read', async () => {
  const { account, story } = await withStory('story_missed', HOUR);
  await age(account, story, 25 * HOUR);
  await sync(account, 'incremental', ['stories', 'media_insights']);
  const [copy] = await media(account);
  expect(copy).toMatchObject({ removed_reason: 'expired' });
  expect(await subject(account, story)).toMatchObject({ metrics_state: 'expired', next_due_at: null });
  expect(await views(account, story)).toEqual([20]);
  expect(await kinds(account)).not.toContain('media.removed');
  const { body } = await world.call('GET', `/api/media-copies/${copy['id']}`);
  expect(body).toMatchObject({
    metricsState: 'expired',
    removedReason: 'expired',
    metrics: { views: 20 },
  });
  await sync(account, 'full', ['media', 'stories', 'media_insights']);
  expect((await media(account))[0]).toMatchObject({ removed_reason: 'expired' });
});

test('a story with too few viewers has no numbers, and is read again', async () => {
  const { account, story } = await withStory('story_few', HOUR, { views: 3 });
  expect(await subject(account, story)).toMatchObject({ metrics_state: 'too_few_viewers' });
  expect(await views(account, story)).toEqual([]);
  expect(await nextRead(account, story)).toBeLessThan(22);
  await instagram.setCounts(story, { views: 50 });
  await age(account, story, 12 * HOUR);
  await sync(account, 'incremental', ['media_insights']);
  expect(await subject(account, story)).toMatchObject({ metrics_state: 'ok' });
  expect(await views(account, story)).toEqual([50]);
});
