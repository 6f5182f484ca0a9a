import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, type Json, sampleVideo, type World } from './world.ts';

/* The abilities of the operator's TikTok app: before its audit, and with or without a verified URL. */

const photo = readFileSync(new URL('./fixtures/media/image.jpg', import.meta.url));
const png = readFileSync(new URL('./fixtures/media/image.png', import.meta.url));

describe('an unaudited app at an unverified URL', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ tiktok: { audited: false }, env: { TIKTOK_APP_AUDITED: 'false' } });
    await world.control('POST', '/tiktok/creators', { username: 'hidden_creator', private: true });
  });
  afterAll(() => world?.close());

  test('posts what TikTok allows, and refuses the rest before anything is sent', async () => {
    onTestFailed(() => world.tell());
    const [open, hidden] = [await world.connect(), await world.connect('hidden_creator')];
    const mediaId = await world.upload();
    const post = (accountId: string, privacy_level: string, more = {}) =>
      world.publish({ accountId, mediaId, postInfo: { privacy_level }, ...more });
    await world.control('DELETE', '/requests');
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    for (const refused of [
      await post(open, 'PUBLIC_TO_EVERYONE'),
      await post(open, 'SELF_ONLY'),
      await post(hidden, 'FOLLOWER_OF_CREATOR'),
      await post(hidden, 'MUTUAL_FOLLOW_FRIENDS', { scheduledAt }),
    ]) {
      expect(refused.status).toBe(422);
      expect(refused.body.error).toMatchObject({
        code: 'unaudited_client_can_only_post_to_private_accounts',
        userMessage: expect.stringContaining('Set your TikTok account to private and choose Only me'),
      });
    }
    expect(await world.requests('video.init')).toHaveLength(0);
    const allowed = await post(hidden, 'SELF_ONLY');
    expect(allowed.status).toBe(202);
    await world.untilPost(allowed.body.id, 'published');
    const draft = await world.publish({ accountId: open, mediaId, mode: 'inbox' });
    await world.untilPost(draft.body.id, 'delivered');
  });

  test('refuses photos and videos that TikTok would have to fetch from there', async () => {
    const accountId = await world.connect('hidden_creator');
    const postInfo = { privacy_level: 'SELF_ONLY' };
    const photoId = await world.upload(photo, world.user.key, 'image/jpeg');
    const videoId = await world.upload(sampleVideo());
    for (const body of [
      { accountId, mediaId: photoId, source: 'PULL_FROM_URL', postInfo },
      { accountId, mediaId: photoId, source: 'FILE_UPLOAD', postInfo },
      { accountId, mediaId: videoId, source: 'PULL_FROM_URL', postInfo },
    ]) {
      const answer = await world.publish(body);
      expect([answer.status, answer.body.error.code]).toEqual([422, 'site_not_verified']);
      expect(answer.body.error.message).toContain('TIKTOK_SITE_VERIFICATION');
    }
  });
});

describe('a verified URL', () => {
  const content = 'tiktok-developers-site-verification=AbC123';
  let world: World;
  let accountId: string;
  beforeAll(async () => {
    world = await createWorld({ env: { TIKTOK_SITE_VERIFICATION: `tiktokAbC123.txt=${content}` } });
    accountId = await world.connect();
  });
  afterAll(() => world?.close());

  test('serves TikTok’s file, to the byte', async () => {
    const { status, headers, text } = await world.call('GET', '/tiktokAbC123.txt', { key: null });
    expect([status, headers.get('content-type'), text]).toEqual([200, 'text/plain; charset=utf-8', content]);
    expect((await world.call('GET', '/tiktokOther.txt', { key: null })).status).toBe(404);
  });

  const published = async (body: Record<string, unknown>): Promise<Json> => {
    const answer = await world.publish({ accountId, ...body });
    expect(answer.status).toBe(202);
    const { publishId } = await world.untilPost(answer.body.id, 'published', 'delivered');
    return (await world.publishes()).find(({ id }) => id === publishId);
  };

  test.each(['FILE_UPLOAD', 'PULL_FROM_URL'])('lets TikTok fetch an uploaded photo (%s)', async (source) => {
    onTestFailed(() => world.tell());
    const mediaId = await world.upload(photo, world.user.key, 'image/jpeg');
    const postInfo = { title: source, description: 'd', privacy_level: 'PUBLIC_TO_EVERYONE' };
    expect(await published({ source, mediaId, postInfo })).toMatchObject({ kind: 'photo' });
    const draft = { source, mediaId, mode: 'inbox', postInfo: { title: source } };
    expect(await published(draft)).toMatchObject({ kind: 'photo' });
  });

  test('lets TikTok fetch an uploaded video on request', async () => {
    onTestFailed(() => world.tell());
    const mediaId = await world.upload(sampleVideo());
    const publish = await published({ source: 'PULL_FROM_URL', mediaId });
    expect(publish).toMatchObject({ kind: 'video', source: 'PULL_FROM_URL' });
  });

  test('does not make photos of files that TikTok rejects', async () => {
    const mediaId = await world.upload(png, world.user.key, 'image/png');
    const postInfo = { privacy_level: 'PUBLIC_TO_EVERYONE' };
    const answer = await world.publish({ accountId, source: 'PULL_FROM_URL', mediaId, postInfo });
    expect(answer.status).toBe(400);
    expect(answer.body.error.details.fields).toMatchObject([{ field: 'mediaId' }]);
  });
});
