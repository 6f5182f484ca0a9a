import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, sampleVideo, until, type Json, type World } from './world.ts';

/* Media that TikTok fetches: videos by URL and photo posts, in both modes. */

let world: World;
let accountId: string;
let creator: string;
/** The client's files online: names and bytes. */
const files = new Map<string, Buffer>();
let host: Server;
let base: string;
beforeAll(async () => {
  world = await createWorld();
  host = createServer((request, response) => {
    const bytes = files.get(request.url ?? '');
    response.statusCode = bytes === undefined ? 404 : 200;
    response.end(bytes);
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  const address = host.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(async () => {
  await world?.close();
  host?.close();
});
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  await world.control('DELETE', '/requests');
  creator = `creator_${randomUUID().slice(0, 8)}`;
  accountId = await world.connect(creator);
});

function online(bytes: Buffer, extension: string): string {
  const path = `/${randomUUID()}.${extension}`;
  files.set(path, bytes);
  return base + path;
}
const photo = (): string =>
  online(Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(500)]), 'jpg');
const sha256 = (url: string): string =>
  createHash('sha256')
    .update(files.get(url.slice(base.length)) ?? '')
    .digest('hex');

const publish = (changes: Record<string, unknown>) =>
  world.publish({ accountId, source: 'PULL_FROM_URL', ...changes });
const made = async (): Promise<Json[]> => {
  const { openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body;
  return (await world.publishes()).filter((row) => row.openId === openId);
};

describe('a video by URL', () => {
  test('is published, byte for byte, with its permalink', async () => {
    onTestFailed(() => world.tell());
    const videoUrl = online(sampleVideo(), 'mp4');
    const { body } = await publish({ videoUrl });
    await world.untilPost(body.id, 'published');
    const post = await until('the permalink', async () => {
      const now = await world.getPost(body.id);
      return now.permalink === null ? null : now;
    });
    expect(post.permalink).toBe(`https://www.tiktok.com/@${creator}/video/${post.providerPostId}`);
    expect(await made()).toMatchObject([
      { id: post.publishId, live: true, kind: 'video', source: 'PULL_FROM_URL', sha256: sha256(videoUrl) },
    ]);
  });

  test('as a draft is delivered to the inbox', async () => {
    onTestFailed(() => world.tell());
    const { body } = await publish({ videoUrl: online(sampleVideo(), 'mp4'), mode: 'inbox' });
    await world.untilPost(body.id, 'delivered');
    expect(await made()).toMatchObject([{ mode: 'inbox', source: 'PULL_FROM_URL' }]);
  });

  test('that does not exist fails, and the client may try again', async () => {
    onTestFailed(() => world.tell());
    const { body } = await publish({ videoUrl: `${base}/missing.mp4` });
    const { error } = await world.untilPost(body.id, 'failed');
    expect(error).toMatchObject({ code: 'video_pull_failed', retryable: true });
  });
});

describe('photos', () => {
  test('are published in order, with cover, title and description', async () => {
    onTestFailed(() => world.tell());
    const photoUrls = [photo(), photo(), photo()];
    const postInfo = {
      title: 'three of them',
      description: 'said more about',
      privacy_level: 'PUBLIC_TO_EVERYONE',
      auto_add_music: true,
    };
    const { body } = await publish({ photoUrls, photoCoverIndex: 2, postInfo });
    await world.untilPost(body.id, 'published');
    const post = await until('the permalink', async () => {
      const now = await world.getPost(body.id);
      return now.permalink === null ? null : now;
    });
    expect(post.permalink).toBe(`https://www.tiktok.com/@${creator}/photo/${post.providerPostId}`);
    const [row] = await made();
    expect(row).toMatchObject({ live: true, kind: 'photo', postInfo });
    expect(row.files.map((file: Json) => file.sha256)).toEqual(photoUrls.map(sha256));
    const [init] = await world.requests('content.init');
    expect(init.body).toMatchObject({
      media_type: 'PHOTO',
      post_mode: 'DIRECT_POST',
      source_info: { source: 'PULL_FROM_URL', photo_images: photoUrls, photo_cover_index: 2 },
    });
  });

  test('have the AI label beside post_info, and return chosen and default values', async () => {
    onTestFailed(() => world.tell());
    const photoUrls = [photo()];
    const postInfo = { privacy_level: 'PUBLIC_TO_EVERYONE', is_aigc: true };
    const { body } = await publish({ photoUrls, postInfo });
    expect(body.request).toEqual({
      accountId,
      source: 'PULL_FROM_URL',
      mode: 'direct',
      photoUrls,
      postInfo: { ...postInfo, disable_comment: false },
    });
    await world.untilPost(body.id, 'published');
    const [init] = await world.requests('content.init');
    expect(init.body).toMatchObject({ media_type: 'PHOTO', is_aigc: true });
    expect(init.body.post_info).toEqual({
      privacy_level: 'PUBLIC_TO_EVERYONE',
      disable_comment: false,
      brand_content_toggle: false,
      brand_organic_toggle: false,
    });
  });

  test('as a draft are delivered to the inbox, with title and description', async () => {
    onTestFailed(() => world.tell());
    const postInfo = { title: 'a draft', description: 'to be finished' };
    const { body } = await publish({ photoUrls: [photo()], mode: 'inbox', postInfo });
    await world.untilPost(body.id, 'delivered');
    expect(await made()).toMatchObject([{ mode: 'inbox', kind: 'photo', postInfo }]);
  });

  test('whose answer is lost are found by the webhook, and posted once', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'content.init', kind: 'accept-then-drop' });
    const { body } = await publish({ photoUrls: [photo(), photo()] });
    const post = await world.untilPost(body.id, 'published');
    expect(await made()).toMatchObject([{ id: post.publishId, live: true }]);
  });

  test('against a rule are refused before any call', async () => {
    const none = await publish({ photoUrls: [] });
    expect(none.status).toBe(400);
    const many = await publish({ photoUrls: Array.from({ length: 36 }, photo) });
    expect(many.status).toBe(400);
    const cover = await publish({ photoUrls: [photo()], photoCoverIndex: 1 });
    expect(cover.body.error.details.fields).toMatchObject([{ field: 'photoCoverIndex' }]);
    const title = await publish({
      photoUrls: [photo()],
      postInfo: { title: 'x'.repeat(91), privacy_level: 'SELF_ONLY', disable_duet: true },
    });
    expect(title.body.error.details.fields.map((row: Json) => row.field)).toEqual([
      'postInfo.disable_duet',
      'postInfo.title',
    ]);
    expect(await world.requests('content.init')).toEqual([]);
  });
});
