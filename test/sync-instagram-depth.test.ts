import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, until, type Json, type World } from './world.ts';

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
const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);

/** An account of the sandbox, for which `prepare` makes what was there before it is connected. */
async function connected(
  username: string,
  { method = 'facebook_login', prepare = async () => {}, ...profile }: Setup = {},
) {
  onTestFailed(() => world.tell());
  await world.control('POST', '/instagram/accounts', { username, followers: 500, ...profile });
  await world.control('POST', '/instagram/users', { name: username });
  await world.control('POST', '/instagram/pages', {
    name: `Page of ${username}`,
    user: username,
    instagram: username,
  });
  const all: Json[] = await world.control('GET', '/instagram/accounts').then((answer: Json) => answer);
  const igId: string = all.find((one) => one['username'] === username)?.['id'];
  await prepare(username);
  const { answer } = await world.visitConsent({ creator: username }, world.user.key, 'instagram', method);
  const { body } = await world.call('GET', '/api/accounts?limit=100');
  const account = body.data.find((row: Json) => row['username'] === username);
  if (account === undefined) throw new Error(`not connected: ${answer.status} ${answer.text}`);
  const id: string = account.id;
  return { account: id, igId };
}

interface Setup {
  method?: 'facebook_login' | 'instagram_login';
  prepare?: (username: string) => Promise<unknown>;
  [more: string]: unknown;
}

const lines = async (account: string): Promise<Record<string, Json>> => {
  const { body } = await world.call('GET', `/api/accounts/${account}/sync`);
  return Object.fromEntries(body.data.map((line: Json) => [line['stream'], line]));
};

const IDLE = ['idle', 'unsupported'];

/** Until every stream has had its round. */
const firstPass = (account: string, streams?: readonly string[]) =>
  until('the first pass', async () => {
    const all = Object.entries(await lines(account)).filter(([name]) => streams?.includes(name) ?? true);
    const done = all.every(
      ([, line]) =>
        IDLE.includes(line['state']) && (line['state'] === 'unsupported' || line['lastSuccessAt'] != null),
    );
    return all.length > 0 && done ? true : null;
  });

/** Asks for a pass and waits for its end. */
async function sync(
  account: string,
  mode: 'incremental' | 'full' = 'full',
  streams: readonly string[] = ['media'],
): Promise<void> {
  const before = await lines(account);
  const { status } = await world.call('POST', `/api/accounts/${account}/sync`, { body: { mode, streams } });
  expect(status).toBe(202);
  await until(`the end of the pass over ${streams.join(' and ')}`, async () => {
    const now = await lines(account);
    const ended = streams.every(
      (name) =>
        now[name]?.['state'] === 'idle' &&
        (now[name]['lastSuccessAt'] ?? '') > (before[name]?.['lastSuccessAt'] ?? ''),
    );
    return ended ? true : null;
  });
}

const comments = (account: string) =>
  rows(sql`select c.*, m.ig_id as media from ig_comments c join ig_media m on m.id = c.ig_media_id
    join instagram_accounts a on a.id = m.instagram_account_id where a.oauth_account_id = ${account} order by c.timestamp`);
const numbers = (account: string, subject: string) =>
  rows(sql`select metric, breakdown, value::float, source from media_insights
    where oauth_account_id = ${account} and subject_id = ${subject}`);
const subject = async (account: string, id: string, stream = 'media_insights'): Promise<Json> =>
  (
    await rows(
      sql`select * from sync_subjects where oauth_account_id = ${account} and stream = ${stream} and subject_id = ${id}`,
    )
  )[0];

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
