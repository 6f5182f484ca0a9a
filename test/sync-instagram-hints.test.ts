import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, until, type Json, type World } from './world.ts';
import { createInstagramSync } from './world/instagram.ts';

/* Instagram's events are hints: they make copies visible at once, and what Instagram answers counts. */

let world: World;
let instagram: InstagramWorld;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
});
afterAll(() => world.close());

const DAY = 86_400_000;
const HOUR = 3_600_000;
const { rows, connected, firstPass, sync, media, comments, numbers, subject, kinds } = createInstagramSync(
  () => world,
);
const created = (account: string) =>
  rows(sql`select data from changes where oauth_account_id = ${account} and kind = 'comment.created'`);

/** Until Instagram itself has told of a comment. */
const confirmed = (account: string, text: string): Promise<Json> =>
  until(`the comment ${text} to be confirmed`, async () => {
    const all = (await comments(account)).filter((row) => row['text'] === text);
    return all.some((row) => row['read_at'] !== null) ? all : null;
  });

test('a comment below a picture of an album that no pass has seen becomes one of the album', async () => {
  const { account } = await connected('hint_album');
  await firstPass(account);
  const of = { account: 'hint_album', mediaType: 'CAROUSEL_ALBUM', children: 2 };
  const album = await instagram.makeMedia(of);
  const [, second] = album.children;
  await instagram.comment(album.id, 'which one?', { childId: second?.id });
  expect(await confirmed(account, 'which one?')).toMatchObject([{ media: album.id }]);
  expect(await created(account)).toHaveLength(1);
  const { body } = await world.call('GET', `/api/accounts/${account}/media`);
  expect(body.data.map((row: Json) => row['providerMediaId'])).toEqual([album.id]);
  await instagram.comment(album.id, 'and this?', { childId: second?.id });
  expect(await confirmed(account, 'and this?')).toMatchObject([{ media: album.id }]);
  expect(await subject(account, second?.id ?? '', 'comments')).toBeUndefined();
});

test('an event that comes after its comment was read below the album adds no row', async () => {
  const { account } = await connected('hint_late');
  await firstPass(account);
  const album = await instagram.makeMedia({ account: 'hint_late', mediaType: 'CAROUSEL_ALBUM', children: 2 });
  const { id } = await instagram.comment(album.id, 'first', { event: false });
  await sync(account, 'full', ['media', 'comments']);
  expect(await confirmed(account, 'first')).toHaveLength(1);
  await world.control('POST', '/instagram/webhooks/send', {
    account: 'hint_late',
    field: 'comments',
    value: { id, text: 'a late event', media: { id: '1802999', media_product_type: 'FEED' } },
  });
  await until('the event to be applied', async () => {
    const all = await rows(
      sql`select from webhook_events where processed_at is not null and payload_json::text like '%a late event%'`,
    );
    return all.length > 0 ? true : null;
  });
  expect(await comments(account)).toMatchObject([{ media: album.id, text: 'first' }]);
  expect((await media(account)).map((row) => row['ig_id'])).not.toContain('1802999');
});

test('a comment on a media that no pass has seen is visible at once, and its media is read', async () => {
  const { account } = await connected('hint_new');
  await firstPass(account);
  const post = await instagram.makeMedia({ account: 'hint_new', caption: 'brand new' });
  await instagram.comment(post.id, 'fast');
  expect(await confirmed(account, 'fast')).toMatchObject([{ media: post.id, own: false }]);
  await until('the media to be read', async () =>
    (await media(account)).some((row) => row['caption'] === 'brand new') ? true : null,
  );
  expect((await kinds(account)).filter((kind) => kind.startsWith('media.'))).toEqual(['media.created']);
});

test('an own comment is one from its event on', async () => {
  let post: Json = {};
  const { account } = await connected('hint_own', {
    prepare: async (of) => {
      post = await instagram.makeMedia({ account: of, createdAt: Date.now() - DAY });
    },
  });
  await firstPass(account);
  await instagram.comment(post['id'], 'from us', { own: true });
  await instagram.comment(post['id'], 'from them', { username: 'fan' });
  expect(await confirmed(account, 'from us')).toMatchObject([{ own: true }]);
  expect(await confirmed(account, 'from them')).toMatchObject([{ own: false }]);
  const told = (await created(account)).map(({ data }) => data.own);
  expect(told).toHaveLength(2);
  expect(new Set(told)).toEqual(new Set([true, false]));
});

const mention = (mediaId: string, commentId: string) =>
  world.control('POST', '/instagram/mention', { account: 'hint_mention', mediaId, commentId });

test('a mention asks for comments of the account’s own media only', async () => {
  let post: Json = {};
  const { account } = await connected('hint_mention', {
    prepare: async (of) => {
      post = await instagram.makeMedia({ account: of, createdAt: Date.now() - DAY });
      await instagram.comment(post['id'], 'earlier', { event: false });
    },
  });
  await firstPass(account);
  const { id } = await instagram.comment(post['id'], 'hello @hint_mention', { event: false });
  await mention('1801888', '178501');
  await mention(post['id'], id);
  expect(await confirmed(account, 'hello @hint_mention')).toHaveLength(1);
  await until('both events to be applied', async () => {
    const all = await rows(
      sql`select from webhook_events where event_type = 'mentions' and processed_at is not null`,
    );
    return all.length === 2 ? true : null;
  });
  expect(await subject(account, '1801888', 'comments')).toBeUndefined();
  expect((await media(account)).map((row) => row['ig_id'])).toEqual([post['id']]);
});

test('the last numbers of a story come by an event; -1 is no number', async () => {
  const stories: string[] = [];
  const { account } = await connected('hint_story', {
    prepare: async (of) => {
      const story = { account: of, productType: 'STORY', createdAt: Date.now() - HOUR };
      const taps = { breakdowns: { navigation: { TAP_FORWARD: 12, TAP_BACK: 2 } } };
      const told = await instagram.makeMedia({ ...story, views: 90, reach: 70, ...taps });
      const few = await instagram.makeMedia({ ...story, views: 3, reach: 2 });
      stories.push(told.id, few.id);
    },
  });
  const [told = '', few = ''] = stories;
  await firstPass(account);
  await instagram.setCounts(told, { views: 95, reach: 71 });
  for (const mediaId of stories) await world.control('POST', '/instagram/story-insights', { mediaId });
  await until('the numbers of the event', async () => {
    const { metrics_state: state } = await subject(account, few);
    const all = await numbers(account, told);
    return state === 'too_few_viewers' && all.some(({ source }) => source === 'webhook') ? true : null;
  });
  const all = await numbers(account, told);
  expect(all.filter(({ source }) => source === 'webhook')).toEqual(
    expect.arrayContaining([
      { metric: 'views', breakdown: '', value: 95, source: 'webhook' },
      { metric: 'reach', breakdown: '', value: 71, source: 'webhook' },
    ]),
  );
  expect(all.filter(({ value }) => value < 0)).toEqual([]);
  expect(all.find(({ breakdown }) => breakdown.endsWith('TAP_FORWARD'))).toMatchObject({ value: 12 });
  expect(await subject(account, told)).toMatchObject({ metrics_state: 'ok' });
  expect((await numbers(account, few)).filter(({ source }) => source === 'webhook')).toEqual([]);
  expect(await kinds(account)).toContain('insights.updated');
});

test.each([
  ['hourly where events tell of new ones', 'hint_told', 60],
  ['every five minutes without events', 'hint_untold', 5],
])('comments of young media are read %s', async (_words, username, minutes) => {
  let post: Json = {};
  const { account } = await connected(username, {
    prepare: async (of) => {
      post = await instagram.makeMedia({ account: of, createdAt: Date.now() - 2 * HOUR });
      await instagram.comment(post['id'], 'nice', { event: false });
      if (minutes === 5)
        await world.control('POST', '/faults', {
          endpoint: 'instagram.subscribed_apps',
          kind: 'status',
          http: 400,
          body: JSON.stringify({ error: { code: 100, message: 'no' } }),
        });
    },
  });
  await firstPass(account);
  const { next_due_at: next, last_read_at: last } = await subject(account, post['id'], 'comments');
  expect((Date.parse(next) - Date.parse(last)) / 60_000).toBeCloseTo(minutes, 0);
});
