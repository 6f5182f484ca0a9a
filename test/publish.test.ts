import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, paddedVideo, sampleVideo, until, type Json, type World } from './world.ts';

/* From an uploaded file to a live post, through every layer. */

let world: World;
let accountId: string;
beforeAll(async () => {
  world = await createWorld();
  accountId = await world.connect();
});
afterAll(() => world?.close());

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The sandbox's own record of what a post made. */
async function atTikTok(post: Json): Promise<Json> {
  return (await world.publishes()).find((row) => row.id === post.publishId);
}

describe('a direct post', () => {
  test('is published with its permalink, in one chunk, byte for byte', async () => {
    onTestFailed(() => world.tell());
    const bytes = sampleVideo();
    const mediaId = await world.upload(bytes);
    const accepted = await world.publish({ accountId, mediaId });
    expect(accepted.status).toBe(202);
    expect(accepted.body).toMatchObject({
      provider: 'tiktok',
      accountId,
      state: 'accepted',
      workflowId: `post:${accepted.body.id}`,
    });
    await world.untilPost(accepted.body.id, 'published');
    const post = await until('the permalink', async () => {
      const now = await world.getPost(accepted.body.id);
      return now.permalink === null ? null : now;
    });
    const made = await atTikTok(post);
    expect(made).toMatchObject({ live: true, sha256: sha256(bytes), chunkCount: 1 });
    expect(post.providerPostId).toBe(made.postId);
    expect(post.permalink).toBe(`https://www.tiktok.com/@sandbox_creator/video/${made.postId}`);
    expect(post.progress).toEqual({ sentBytes: bytes.length, totalBytes: bytes.length });
  });

  test('of 70 MB is sent in chunks, the remainder in the last', async () => {
    onTestFailed(() => world.tell());
    const bytes = paddedVideo(70_000_007);
    const accepted = await world.publish({ accountId, mediaId: await world.upload(bytes) });
    const post = await world.untilPost(accepted.body.id, 'published');
    const made = await atTikTok(post);
    expect(made).toMatchObject({ sha256: sha256(bytes), chunkSize: 10_000_000, chunkCount: 7 });
    expect(made.chunks.at(-1)).toMatchObject({ first: 60_000_000, last: 70_000_006 });
  });
});

test('a draft is delivered to the inbox', async () => {
  onTestFailed(() => world.tell());
  const accepted = await world.publish({
    accountId,
    mediaId: await world.upload(),
    mode: 'inbox',
    postInfo: { title: 'kept with our record' },
  });
  expect(accepted.status).toBe(202);
  await world.untilPost(accepted.body.id, 'delivered');
});
