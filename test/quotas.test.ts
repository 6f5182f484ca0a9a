import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { ownPort } from './ports.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/*
 * The quota ledger: never exceeded, however many ask, and the clients' view of it. Two servers and two workers share
 * it.
 */

let world: World;
let mediaId: string;
let accountId: string;
let openId: string;
let second: string;
beforeAll(async () => {
  world = await createWorld({ tiktok: { dailyPostCap: 15, pendingShareCap: 5 } });
  mediaId = await world.upload();
  const port = await ownPort();
  await world.spawn('worker');
  await world.spawn('server', { PORT: String(port) });
  second = `http://127.0.0.1:${port}`;
  await until('the second server', async () =>
    (await world.call('GET', `${second}/livez`, { key: null }).catch(() => null))?.status === 200
      ? true
      : null,
  );
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  await world.control('DELETE', '/requests');
  await world.control('POST', '/tiktok/options', { dailyPostCap: 15 });
  accountId = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
  ({ openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body);
});

/** The same post repeatedly, through both servers. */
async function burst(times: number, changes: Record<string, unknown> = {}): Promise<Answer[]> {
  return Promise.all(
    Array.from({ length: times }, async (_, index) =>
      world.call('POST', `${index % 2 === 0 ? world.url : second}/api/tiktok/upload`, {
        body: {
          accountId,
          source: 'FILE_UPLOAD',
          mediaId,
          mode: 'direct',
          allowDuplicate: true,
          ...(changes['mode'] === 'inbox' ? {} : { postInfo: { privacy_level: 'PUBLIC_TO_EVERYONE' } }),
          ...changes,
        },
      }),
    ),
  );
}

const postsOf = (answers: readonly Answer[]): string[] =>
  answers.filter(({ status }) => status === 202).map(({ body }) => body.id);

const quota = async (name: string): Promise<Json> =>
  (await world.call('GET', `/api/accounts/${accountId}`)).body.quotas.find((row: Json) => row.quota === name);

/** Lets a minute pass for the ledger and for TikTok. */
async function passMinute(): Promise<void> {
  await world.control('POST', '/clock', { advanceMs: 61_000 });
  await world.database.db.execute(sql`
    update quota_reservations set at = at - interval '61 seconds' where oauth_account_id = ${accountId}`);
}

const made = async (): Promise<Json[]> => (await world.publishes()).filter((row) => row.openId === openId);

/** The number of inits in this test that were refused by the rate limit. */
async function refusals(): Promise<number> {
  return (await world.requests()).filter(({ status }) => status === 429).length;
}

describe('inits', () => {
  test('with onQuota "fail", of a burst through two servers six are accepted, the others learn when to come back', async () => {
    onTestFailed(() => world.tell());
    const answers = await burst(20, { onQuota: 'fail' });
    const ids = postsOf(answers);
    expect(ids).toHaveLength(6);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(14);
    for (const { body, headers } of refused) {
      expect(body.error).toMatchObject({
        code: 'quota_exceeded',
        retryable: true,
        details: { quota: 'init:direct', limit: 6, used: 6, remaining: 0 },
      });
      const seconds = Number(headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
      expect(new Date(body.error.details.resetAt).getTime()).toBeGreaterThan(Date.now());
    }
    for (const id of ids) await world.untilPost(id, 'published');
    expect(await refusals()).toBe(0);
    // The reservations are what was used: none twice.
    expect(await quota('init:direct')).toMatchObject({ limit: 6, used: 6, remaining: 0 });
    await passMinute();
    const [later] = postsOf(await burst(1, { onQuota: 'fail' }));
    await world.untilPost(later ?? '', 'published');
  });

  test('with onQuota "wait", of a burst over two workers six are sent, the others wait and say for what', async () => {
    onTestFailed(() => world.tell());
    const ids = postsOf(await burst(10));
    expect(ids).toHaveLength(10);
    const states = async (): Promise<Json[]> => Promise.all(ids.map((id) => world.getPost(id)));
    const posts = await until('six to be out and four to wait', async () => {
      const now = await states();
      const count = (state: string): number => now.filter((post) => post.state === state).length;
      return count('published') === 6 && count('waiting_quota') === 4 ? now : null;
    });
    const waiting = posts.find(({ state }) => state === 'waiting_quota');
    expect(new Date(waiting?.next.at).getTime()).toBeGreaterThan(Date.now());
    expect(await made()).toHaveLength(6);
    // Lets a minute pass for the ledger and the waiting posts.
    await passMinute();
    for (const { id, state } of posts) if (state === 'waiting_quota') await world.skipTime(`post:${id}`);
    for (const id of ids) await world.untilPost(id, 'published');
    expect(await refusals()).toBe(0);
  });

  test('a reservation is returned when the post is cancelled before anything was sent', async () => {
    onTestFailed(() => world.tell());
    await Promise.all(world.children.filter(({ name }) => name === 'worker').map((child) => child.stop()));
    const ids = postsOf(await burst(6, { onQuota: 'fail' }));
    expect(ids).toHaveLength(6);
    expect((await burst(1, { onQuota: 'fail' }))[0]?.status).toBe(429);
    const asked = ids.map((id) => world.call('POST', `/api/posts/${id}/cancel`));
    await world.spawn('worker');
    await world.spawn('worker');
    await Promise.all(asked);
    // Posts that were too late to cancel were published.
    const ends = await Promise.all(ids.map((id) => world.untilPost(id, 'cancelled', 'published')));
    expect(ends.map(({ state }) => state)).toContain('cancelled');
    const held = await world.database.db.execute(sql`
      select state, count(*)::int as times from quota_reservations join posts on posts.id = post_id
      where posts.oauth_account_id = ${accountId} and bucket = 'init:direct' and released_at is null group by state`);
    const published = ends.filter(({ state }) => state === 'published').length;
    expect(held).toEqual(published === 0 ? [] : [{ state: 'published', times: published }]);
  });
});

describe('the daily posts', () => {
  test('are learned from the refusal, shown, and waited for', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/tiktok/options', { dailyPostCap: 2 });
    expect(await quota('daily_post')).toBeUndefined();
    for (const id of postsOf(await burst(2))) await world.untilPost(id, 'published');
    const [refused] = postsOf(await burst(1));
    const waiting = await world.untilPost(refused ?? '', 'waiting_quota');
    expect(new Date(waiting.next.at).getTime()).toBeGreaterThan(Date.now() + 30 * 60_000);
    const known = await quota('daily_post');
    expect(known).toMatchObject({ limit: 2, used: 2, remaining: 0 });
    expect(new Date(known.resetAt).getTime()).toBeGreaterThan(Date.now() + 23 * 3_600_000);

    // Other posts learn it without a call to TikTok.
    await world.control('DELETE', '/requests');
    const [failing] = await burst(1, { onQuota: 'fail' });
    expect(failing).toMatchObject({
      status: 429,
      body: { error: { code: 'quota_exceeded', details: { quota: 'daily_post', limit: 2, used: 2 } } },
    });
    const [other] = postsOf(await burst(1));
    await world.untilPost(other ?? '', 'waiting_quota');
    expect(await world.requests('video.init')).toEqual([]);

    // The refused post asks again at its time.
    await world.control('POST', '/tiktok/options', { dailyPostCap: 15 });
    await world.skipTime(`post:${refused}`);
    await world.untilPost(refused ?? '', 'published');
  });

  test('make the next post wait when TikTok fails one for them later', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/tiktok/fail-next', { reason: 'spam_risk_too_many_posts' });
    const [failed] = postsOf(await burst(1));
    expect(await world.untilPost(failed ?? '', 'failed')).toMatchObject({
      error: { code: 'spam_risk_too_many_posts' },
    });
    expect(await quota('daily_post')).toMatchObject({ limit: 0, used: 0, remaining: 0 });
    const [next] = postsOf(await burst(1));
    await world.untilPost(next ?? '', 'waiting_quota');
  });
});

test('drafts waiting in the inbox: five, and the sixth waits; a restart forgets nothing', async () => {
  onTestFailed(() => world.tell());
  for (const id of postsOf(await burst(5, { mode: 'inbox' }))) await world.untilPost(id, 'delivered');
  await Promise.all(world.children.map((child) => child.stop()));
  await world.spawn('server');
  await world.spawn('worker');
  await until('the server', async () =>
    (await world.call('GET', '/readyz', { key: null }).catch(() => null))?.status === 200 ? true : null,
  );
  expect(await quota('pending_share')).toMatchObject({ limit: 5, used: 5, remaining: 0 });
  const answer = await world.publish({ accountId, mediaId, mode: 'inbox', allowDuplicate: true });
  await world.untilPost(answer.body.id, 'waiting_quota');
  expect(await made()).toHaveLength(5);
});
