import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, paddedVideo, until, type Json, type World } from './world.ts';

/* Cancelling and moving a post at every point of its life. */

let world: World;
let accountId: string;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  await world.control('DELETE', '/requests');
  accountId = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
});

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

test('while scheduled: nothing is sent', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  const { body } = await world.publish({ accountId, mediaId, scheduledAt: inSeconds(3600) });
  expect(body).toMatchObject({ state: 'scheduled', next: { step: 'publish' } });
  const cancelled = await world.call('POST', `/api/posts/${body.id}/cancel`);
  expect(cancelled.status).toBe(200);
  expect(cancelled.body).toMatchObject({ state: 'cancelled' });
  expect(await world.requests('video.init')).toHaveLength(0);
});

test('while scheduled, with a stored request that its provider cannot read: cancelled all the same', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  const { body } = await world.publish({ accountId, mediaId, scheduledAt: inSeconds(3600) });
  await world.database.db.execute(
    sql`update posts set request = '{"mode":"carrier pigeon"}'::jsonb where id = ${body.id}`,
  );
  const cancelled = await world.call('POST', `/api/posts/${body.id}/cancel`);
  expect(cancelled.status).toBe(200);
  expect(cancelled.body).toMatchObject({ state: 'cancelled' });
});

test('a scheduled post moved to an earlier time is published then', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  const { body } = await world.publish({ accountId, mediaId, scheduledAt: inSeconds(3600) });
  const scheduledAt = inSeconds(2);
  const moved = await world.call('PATCH', `/api/posts/${body.id}`, { body: { scheduledAt } });
  expect(moved.status).toBe(200);
  expect(moved.body).toMatchObject({ scheduledAt });
  await world.untilPost(body.id, 'published');
  const [init] = await world.requests('video.init');
  expect(new Date(init.at).getTime()).toBeGreaterThanOrEqual(new Date(scheduledAt).getTime());
});

test('a scheduled post with a deadline of its own cannot be moved behind that deadline', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  const deadline = inSeconds(7200);
  const { body } = await world.publish({ accountId, mediaId, scheduledAt: inSeconds(3600), deadline });
  const move = (scheduledAt: string) =>
    world.call('PATCH', `/api/posts/${body.id}`, { body: { scheduledAt } });
  for (const late of [deadline, inSeconds(30 * 86_400)]) {
    const { status, body: refused } = await move(late);
    expect({ status, ...refused.error }).toMatchObject({
      status: 422,
      code: 'invalid_schedule',
      details: { field: 'scheduledAt', deadline },
    });
  }
  const sooner = inSeconds(7000);
  expect((await move(sooner)).body).toMatchObject({ state: 'scheduled', scheduledAt: sooner });
  await world.call('POST', `/api/posts/${body.id}/cancel`);
  const { status, body: ended } = await move(inSeconds(30 * 86_400));
  expect({ status, ...ended.error }).toMatchObject({ status: 409, code: 'too_late' });
});

test('a scheduled post that was moved expires 72 hours after the new time, or at its own deadline if that is sooner', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  const deadlines = async (options: Json, ...times: number[]): Promise<number[]> => {
    const { body } = await world.publish({ accountId, mediaId, allowDuplicate: true, ...options });
    const hours: number[] = [];
    for (const seconds of times) {
      const moved = await world.call('PATCH', `/api/posts/${body.id}`, {
        body: { scheduledAt: inSeconds(seconds) },
      });
      expect(moved.status).toBe(200);
      const [row] = await world.database.db.execute<Json>(
        sql`select deadline_at from posts where id = ${body.id}`,
      );
      hours.push(Math.round((new Date(row?.deadline_at).getTime() - Date.now()) / 3_600_000));
    }
    await world.call('POST', `/api/posts/${body.id}/cancel`);
    return hours;
  };
  const hour = 3600;
  const scheduledAt = inSeconds(100 * hour);
  expect(await deadlines({ scheduledAt }, 10 * hour, 120 * hour)).toEqual([82, 192]);
  const own = { scheduledAt, deadline: inSeconds(130 * hour) };
  expect(await deadlines(own, 10 * hour, 120 * hour)).toEqual([82, 130]);
});

test('during the upload: the upload stops, and nothing becomes visible', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload(paddedVideo(70_000_007));
  await world.fault({ endpoint: 'upload', kind: 'slow', ms: 3000, times: 0, after: 2 });
  const { body } = await world.publish({ accountId, mediaId });
  await until('two chunks', async () => ((await world.requests('upload')).length >= 3 ? true : null));
  const cancelled = await world.call('POST', `/api/posts/${body.id}/cancel`);
  expect(cancelled.body).toMatchObject({ state: 'cancelled' });
  const { publishId } = await world.getPost(body.id);
  const made = (await world.publishes()).find((row) => row.id === publishId);
  expect(made).toMatchObject({ live: false, status: 'PROCESSING_UPLOAD' });
});

test('after the last byte: refused as too late', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  await world.control('POST', '/tiktok/options', { processingMs: 5000 });
  const { body } = await world.publish({ accountId, mediaId });
  await world.untilPost(body.id, 'processing');
  const late = await world.call('POST', `/api/posts/${body.id}/cancel`);
  expect(late.status).toBe(409);
  expect(late.body.error.details).toMatchObject({ state: 'processing' });
  await world.untilPost(body.id, 'published');
  const afterwards = await world.call('POST', `/api/posts/${body.id}/cancel`);
  expect(afterwards.status).toBe(409);
  expect(afterwards.body.error.details).toMatchObject({ state: 'published' });
  await world.control('POST', '/tiktok/options', { processingMs: 200 });
});

test('after the last byte, whose answer was lost: refused as too late, not cancelled on a guess', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  await world.control('POST', '/tiktok/options', { processingMs: 20_000 });
  await world.fault({ endpoint: 'upload', kind: 'accept-then-drop' });
  await world.fault({ endpoint: 'status', kind: 'status', http: 500, code: 'internal_error', times: 0 });
  const { body } = await world.publish({ accountId, mediaId });
  const asked = async (): Promise<number> => (await world.requests('status')).length;
  await until('the transfer to ask how far it came', async () => ((await asked()) >= 2 ? true : null));
  const before = await asked();
  const cancelling = world.call('POST', `/api/posts/${body.id}/cancel`);
  await until('the cancellation to ask, too', async () => ((await asked()) >= before + 2 ? true : null));
  await world.control('DELETE', '/faults');
  const late = await cancelling;
  // The request may time out, but must not report the post as cancelled.
  expect(late.status).toBeGreaterThanOrEqual(400);
  await world.control('POST', '/tiktok/options', { processingMs: 200 });
  await world.untilPost(body.id, 'published');
  expect((await world.publishes()).filter(({ live }) => live === true).length).toBeGreaterThan(0);
});

test('while its account waits for a token that TikTok does not issue: nothing is sent', async () => {
  onTestFailed(() => world.tell());
  const mediaId = await world.upload();
  await world.fault({ endpoint: 'oauth.token', kind: 'status', http: 503, body: '', times: 0 });
  const { openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body;
  await world.control('POST', '/tiktok/expire-tokens', { openId });
  await world.control('DELETE', '/requests');
  const { body } = await world.publish({ accountId, mediaId });
  await until('the refresh', async () => ((await world.requests('oauth.token')).length > 0 ? true : null));
  const cancelled = await world.call('POST', `/api/posts/${body.id}/cancel`);
  expect(cancelled.body).toMatchObject({ state: 'cancelled' });
  expect((await world.publishes()).filter((row) => row.openId === openId)).toEqual([]);
});

describe('while TikTok fetches the file', () => {
  test('uses TikTok’s own cancel', async () => {
    onTestFailed(() => world.tell());
    expect(await cancelPulled()).toMatchObject({ state: 'cancelled' });
    expect(await world.requests('cancel')).toHaveLength(1);
  });

  test('succeeds when the answer of TikTok’s cancel is lost and its event reports a failure', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'cancel', kind: 'accept-then-drop' });
    expect(await cancelPulled()).toMatchObject({ state: 'cancelled', error: null });
  });
});

/** @returns the answer of the cancel, once the post cannot change any more */
async function cancelPulled(): Promise<Json> {
  await world.control('POST', '/tiktok/options', { processingMs: 60_000 });
  const { body } = await world.publish({
    accountId,
    source: 'PULL_FROM_URL',
    videoUrl: `${world.url}/livez`,
  });
  await world.untilPost(body.id, 'processing');
  const answer = await world.call('POST', `/api/posts/${body.id}/cancel`);
  const { publishId } = await world.untilPost(body.id, 'cancelled');
  expect((await world.publishes()).find((row) => row.id === publishId)).toMatchObject({ live: false });
  await world.control('POST', '/tiktok/options', { processingMs: 200 });
  return answer.body;
}
