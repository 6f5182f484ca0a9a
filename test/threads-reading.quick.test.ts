import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProviderError } from '../providers/errors.ts';
import type { Page, Question, ReadCall, Reading } from '../providers/reading.ts';
import { createThreads } from '../providers/threads/index.ts';
import { startSandbox } from '../sandbox/server.ts';
import { createCallCounter } from '../sandbox/testing/creator.ts';
import { createThreadsClient } from '../sandbox/testing/meta.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import type { StreamName, Subject } from '../reading.ts';

/* Threads as a provider of data, over HTTP against the sandbox. */

const APP = { appId: '222', appSecret: 'th-secret', redirectUri: 'http://127.0.0.1:9/cb' };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let reading: Reading;
let call: ReadCall;
let world: ReturnType<typeof createThreadsWorld>;
let client: ReturnType<typeof createThreadsClient>;

beforeEach(async () => {
  sandbox = await startSandbox({ threads: { ...APP, redirectUris: [APP.redirectUri] } });
  client = createThreadsClient(sandbox.url, APP);
  world = createThreadsWorld(sandbox.url);
  const { token, userId, username } = await client.connect();
  const provider = createThreads({
    ...APP,
    webhookSecrets: ['x'],
    appSecrets: ['x'],
    verifyToken: 'v',
    authUrl: `${sandbox.url}/threads-auth`,
    graphUrl: `${sandbox.url}/threads`,
  });
  if (provider.reading === undefined) throw new Error('Threads cannot be read');
  reading = provider.reading;
  const scopes = ['basic', 'content_publish', 'read_replies', 'manage_replies', 'manage_insights', 'delete'];
  call = {
    openId: userId,
    username,
    scopes: scopes.map((scope) => `threads_${scope}`),
    accessToken: token,
    signal: AbortSignal.timeout(120_000),
  };
});
afterEach(() => sandbox.close());

const options = (changes: object) => client.control('POST', '/threads/options', changes);

function ask(stream: StreamName, question: Partial<Question> = {}): Promise<Page> {
  return reading.read(
    stream,
    { cursor: null, subject: null, limit: 100, full: false, refused: [], ...question },
    call,
  );
}

const subjectOf = (id: string, more: Partial<Subject> = {}): Subject => ({
  id,
  at: new Date(),
  values: { mediaType: 'TEXT_POST' },
  request: null,
  approves: false,
  ...more,
});

/** All pages of a stream. */
async function askAll(stream: StreamName, question: Partial<Question> = {}): Promise<Page[]> {
  const pages: Page[] = [];
  for (let cursor: string | null = null, more = true; more;) {
    const page: Page = await ask(stream, { ...question, cursor });
    pages.push(page);
    cursor = page.next;
    more = cursor !== null;
  }
  return pages;
}

const itemsOf = (pages: readonly Page[]) => pages.flatMap(({ items }) => items);
const insightsOf = (pages: readonly Page[]) => pages.flatMap(({ insights = [] }) => insights);
const valuesOf = (pages: readonly Page[], metric: string) =>
  insightsOf(pages).filter((one) => one.metric === metric);
const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error) => error,
  );

describe('the profile', () => {
  test('has its fields, and the number of followers as a statistic', async () => {
    await world.setProfile({ biography: 'hi\0 there', verified: true, followers: 3_000_000_000 });
    const { items, missing, calls } = await ask('profile');
    expect(items[0]?.values).toMatchObject({
      username: 'sandbox_creator',
      biography: 'hi\ufffd there',
      verified: true,
      followers: 3_000_000_000,
    });
    expect(JSON.stringify(items[0]?.raw)).not.toContain('picture_url');
    expect([missing, calls]).toEqual([undefined, 2]);
  });

  test('is read without statistics where they are not granted, and names the scope', async () => {
    const few = { ...call, scopes: ['threads_basic'] };
    const question = { cursor: null, subject: null, limit: 1, full: false, refused: [] };
    const page = await reading.read('profile', question, few);
    expect(page.items[0]?.values).not.toHaveProperty('followers');
    expect([page.missing, page.calls]).toEqual([['threads_manage_insights'], 1]);
  });

  test('is read although its number of followers is not available', async () => {
    await world.setProfile({ linkedInstagram: false });
    const { items } = await ask('profile');
    expect(items[0]?.values).toMatchObject({ username: 'sandbox_creator' });
    expect(items[0]?.values).not.toHaveProperty('followers');
  });
});

describe('media', () => {
  test.each(['empty-page', 'no-after', 'same-after'])('end by %s', async (listEnd) => {
    await options({ listEnd });
    const ids = await world.makeManyMedia(200, { createdAt: Date.now() - DAY, everyMs: HOUR });
    const pages = await askAll('media');
    expect(itemsOf(pages).map(({ id }) => id)).toEqual(ids.toReversed());
    expect(pages.at(-1)?.next).toBeNull();
  });

  test('do not end at a short or an empty page', async () => {
    const ids = await world.makeManyMedia(250, { createdAt: Date.now() - DAY });
    await world.failList('posts', 'short', { lacks: 30 });
    await world.failList('posts', 'empty', { after: 1 });
    expect(itemsOf(await askAll('media')).map(({ id }) => id)).toEqual(ids.toReversed());
  });

  test('say that a cursor is refused, and not that the list has ended', async () => {
    await world.makeManyMedia(250);
    await world.failList('posts', 'refuse');
    const { next } = await ask('media');
    expect(await thrown(ask('media', { cursor: next }))).toMatchObject({ code: 'cursor_refused' });
    await world.failList('posts', 'error', { http: 500, code: '2' });
    expect(await thrown(ask('media', { cursor: next }))).toMatchObject({ kind: 'unavailable' });
    expect((await ask('media', { cursor: next })).items).toHaveLength(100);
  });

  test('do not end at an answer that is no list', async () => {
    const instead = { endpoint: 'threads.posts', kind: 'instead', path: '/threads/v1.0/me?fields=id' };
    await client.control('POST', '/faults', instead);
    expect(await thrown(ask('media'))).toBeInstanceOf(ProviderError);
  });

  test('have their columns, and raw without signed URLs', async () => {
    const quoted = await world.makeMedia({ text: 'first' });
    const { id } = await world.makeMedia({
      kind: 'CAROUSEL_ALBUM',
      children: 3,
      text: 'a\0b \ud800 #tag',
      params: { quote_post_id: quoted.id, topic_tag: 'tag', reply_control: 'mentioned_only' },
    });
    const { items } = await ask('media');
    const item = items.find((one) => one.id === id);
    expect(item?.values).toMatchObject({
      mediaType: 'CAROUSEL_ALBUM',
      text: 'a\ufffdb \ufffd #tag',
      isQuote: true,
      quotedId: quoted.id,
      topicTag: 'tag',
      replyAudience: 'MENTIONED_ONLY',
      children: [expect.any(String), expect.any(String), expect.any(String)],
      timestamp: expect.any(Date),
    });
    expect(JSON.stringify(item?.raw)).not.toMatch(/media_url|\\u0000/);
    expect(item?.raw['id']).toBe(id);
  });

  test('are quiet if they are old and nobody has answered', async () => {
    const old = await world.makeMedia({ createdAt: Date.now() - 8 * DAY });
    const answered = await world.makeMedia({ createdAt: Date.now() - 8 * DAY });
    const young = await world.makeMedia({});
    await world.comment(answered.id, 'hello');
    const { items } = await ask('media');
    const quiet = Object.fromEntries(items.map((item) => [item.id, item.quiet === true]));
    expect(quiet).toEqual({ [old.id]: true, [answered.id]: false, [young.id]: false });
  });

  test.each([true, false])('have ghost posts until they end (listed among posts: %s)', async (listed) => {
    await options({ ghostsInThreads: listed });
    const params = { is_ghost_post: 'true' };
    const { id } = await world.makeMedia({ params });
    await world.makeMedia({ params, createdAt: Date.now() - 2 * DAY });
    const { items } = await ask('media');
    expect([...new Set(items.map((item) => item.id))]).toEqual([id]);
    expect(items[0]?.values['ghostUntil']).toBeInstanceOf(Date);
  });
});

describe('by id', () => {
  test('what is deleted is gone only if another post is still there', async () => {
    const [one, two, three] = await world.makeManyMedia(3);
    if (one === undefined || two === undefined || three === undefined) throw new Error('no posts');
    await world.deleteMedia(one);
    const said = await reading.confirm?.('media', [one, two], three, call);
    expect([...(said?.answers ?? [])]).toEqual([
      [one, 'gone'],
      [two, 'here'],
    ]);
    expect(said?.calls).toBe(3);
    await world.editMedia(three, { flaky: 1 });
    const doubted = await reading.confirm?.('media', [one], three, call);
    expect(doubted?.answers.get(one)).toBe('unsure');
  });
});

describe('the numbers of a post', () => {
  test('come in one call', async () => {
    const { id } = await world.makeMedia({ views: 5_000_000_000, likes: 3, shares: 2 });
    const page = await ask('media_insights', { subject: subjectOf(id) });
    const numbers = Object.fromEntries((page.insights ?? []).map(({ metric, value }) => [metric, value]));
    expect(numbers).toEqual({
      views: 5_000_000_000,
      likes: 3,
      replies: 0,
      reposts: 0,
      quotes: 0,
      shares: 2,
    });
    expect([page.calls, page.metricsState, page.refused]).toEqual([1, 'ok', []]);
  });

  test('learn which metric is refused, and keep the others', async () => {
    const { id } = await world.makeMedia({ likes: 3, refusedMetrics: ['shares'] });
    const page = await ask('media_insights', { subject: subjectOf(id) });
    expect(page.refused).toEqual(['shares']);
    expect(page.insights).toHaveLength(5);
    const again = await ask('media_insights', { subject: subjectOf(id), refused: ['shares'] });
    expect([again.calls, again.insights?.length]).toEqual([1, 5]);
  });

  test('are none of a repost, without a call', async () => {
    const counter = createCallCounter(sandbox.url);
    const before = (await counter.calls()).total;
    const subject = subjectOf('1', { values: { mediaType: 'REPOST_FACADE' } });
    expect(await ask('media_insights', { subject })).toMatchObject({
      metricsState: 'not_supported',
      calls: 0,
    });
    expect((await counter.calls()).total).toBe(before);
  });

  test('are empty, which is not 0; of a deleted post they are gone', async () => {
    const { id } = await world.makeMedia({ emptyInsights: true });
    const page = await ask('media_insights', { subject: subjectOf(id) });
    expect([page.metricsState, page.insights]).toEqual(['empty', []]);
    await world.deleteMedia(id);
    expect(await thrown(ask('media_insights', { subject: subjectOf(id) }))).toMatchObject({ kind: 'gone' });
  });
});

describe('the numbers of an account', () => {
  const calendarDay = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Los_Angeles' });
  const daysAgo = (days: number): string => calendarDay.format(Date.now() - days * DAY);

  test('are of days in California, each total of one day', async () => {
    const day = daysAgo(2);
    await world.setDay(day, {
      views: 70,
      likes: 7,
      replies: 1,
      reposts: 2,
      quotes: 3,
      clicks: { 'https://a.test/': 4 },
    });
    await world.setProfile({ followers: 5_000 });
    const pages = await askAll('account_insights');
    expect(valuesOf(pages, 'views')).toEqual([expect.objectContaining({ value: 70, day, period: 'day' })]);
    const likes = valuesOf(pages, 'likes');
    expect(likes).toHaveLength(3);
    expect(likes.find((one) => one.day === day)?.value).toBe(7);
    expect(likes.filter((one) => one.day !== day).map(({ value }) => value)).toEqual([0, 0]);
    expect(valuesOf(pages, 'clicks')).toEqual([
      expect.objectContaining({ day, breakdown: 'link_url=https://a.test/', value: 4 }),
    ]);
    expect(valuesOf(pages, 'followers_count')).toEqual([
      { metric: 'followers_count', breakdown: '', value: 5_000, period: 'lifetime' },
    ]);
  });

  test('take at most 15 calls in full, with who the followers are', async () => {
    await world.setProfile({ followers: 100 });
    const demographics = { country: { US: 60, DE: 40 } };
    await client.control('POST', '/threads/numbers', { username: 'sandbox_creator', demographics });
    const pages = await askAll('account_insights', { full: true });
    expect(pages.reduce((sum, { calls }) => sum + calls, 0)).toBeLessThanOrEqual(15);
    expect(valuesOf(pages, 'follower_demographics')).toContainEqual({
      metric: 'follower_demographics',
      breakdown: 'country=US',
      value: 60,
      period: 'lifetime',
    });
    expect(new Set(valuesOf(pages, 'likes').map((one) => one.day)).size).toBe(8);
  });

  test('do without followers where they are not available, and remember that', async () => {
    await world.setProfile({ linkedInstagram: false });
    const [page] = await askAll('account_insights', { full: true });
    expect([page?.refused, page?.insights]).toEqual([['followers_count'], []]);
    const again = await ask('account_insights', { full: true, refused: ['followers_count'] });
    expect(again.calls).toBe(0);
  });
});

describe('replies', () => {
  test('come at all depths, parents first, and tell whose they are', async () => {
    await options({ listEnd: 'no-after' });
    const root = await world.makeMedia({ text: 'root' });
    const top = await world.comment(root.id, 'top', { createdAt: Date.now() - 3 * HOUR });
    const own = await world.comment(top.id, 'mine', {
      username: 'sandbox_creator',
      createdAt: Date.now() - 2 * HOUR,
    });
    const deep = await world.comment(own.id, 'deep', { privateAuthor: true });
    const pages = await askAll('replies', { subject: subjectOf(root.id), limit: 2 });
    const found = itemsOf(pages);
    expect(found.map(({ id }) => id)).toEqual([top.id, own.id, deep.id]);
    expect(found.map(({ values }) => values['repliedToId'])).toEqual([root.id, top.id, own.id]);
    expect(found.map(({ values }) => values['own'])).toEqual([false, true, false]);
    expect(found.map(({ values }) => values['username'])).toEqual(['some_fan', 'sandbox_creator', null]);
    expect(found.every(({ parent, values }) => parent === root.id && values['rootId'] === root.id)).toBe(
      true,
    );
    expect(found[1]?.part).toMatchObject({ text: 'mine', mediaType: 'TEXT_POST' });
    expect(pages).toHaveLength(2);
  });

  test('that wait for an approval are looked for where there may be some', async () => {
    await options({ listEnd: 'no-after' });
    const root = await world.makeMedia({ text: 'root' });
    await world.comment(root.id, 'waits', { approval: 'pending' });
    await world.comment(root.id, 'ignored', { approval: 'ignored' });
    const approvals = async (more: Partial<Subject>, full = false) =>
      itemsOf(await askAll('replies', { subject: subjectOf(root.id, more), full })).map(
        ({ values }) => values['approval'],
      );
    expect(await approvals({})).toEqual([]);
    expect(await approvals({}, true)).toEqual(['pending', 'ignored']);
    expect(await approvals({ approves: true })).toEqual(['pending', 'ignored']);
    const request = { postInfo: { enable_reply_approvals: true } };
    expect(await approvals({ request })).toEqual(['pending', 'ignored']);
    expect(await approvals({ request, at: new Date(Date.now() - 8 * DAY) })).toEqual([]);
  });
});
