import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Json, type World } from './world.ts';

/* Inits by URL whose answer is lost: they may be live, so they are never sent again on a guess. */

let world: World;
let accountId: string;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  accountId = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
});

async function publishByUrl(
  title = `post ${randomUUID()}`,
): Promise<{ id: string; made: () => Promise<Json[]> }> {
  const accepted = await world.publish({
    accountId,
    source: 'PULL_FROM_URL',
    videoUrl: `${world.url}/livez`,
    postInfo: { title, privacy_level: 'PUBLIC_TO_EVERYONE' },
    allowDuplicate: true,
  });
  expect(accepted.status).toBe(202);
  const made = async (): Promise<Json[]> =>
    (await world.publishes()).filter((row) => row.postInfo?.title === title);
  return { id: accepted.body.id, made };
}

test.for(['accept-then-drop', 'accept-then-500', 'truncated'])(
  'the answer is lost (%s), the webhook shows that the post is live',
  async (kind) => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'video.init', kind });
    const { id, made } = await publishByUrl();
    const post = await world.untilPost(id, 'published');
    expect(await made()).toMatchObject([{ live: true, id: post.publishId }]);
  },
);

test('nothing was published and there is no sign of it: unknown after a day, with the advice to check', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'video.init', kind: 'drop-before' });
  const { id, made } = await publishByUrl();
  await until('the search', async () => ((await world.getPost(id)).phase === 'reconciling' ? true : null));
  expect(await world.getPost(id)).toMatchObject({ state: 'processing' });
  await world.skipTime(`post:${id}`);
  const post = await world.untilPost(id, 'unknown');
  expect(post.error).toMatchObject({ code: 'outcome_unknown', retryable: false });
  expect(post.error.userMessage).toContain('Check the account');
  expect(await made()).toHaveLength(0);
});

test('two lost answers of one creator are not distinguished by a guess', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'video.init', kind: 'drop-before' });
  const title = `post ${randomUUID()}`;
  const first = await publishByUrl(title);
  await until('the search', async () =>
    (await world.getPost(first.id)).phase === 'reconciling' ? true : null,
  );
  await world.fault({ endpoint: 'video.init', kind: 'accept-then-drop' });
  const second = await publishByUrl(title);
  for (const { id } of [first, second]) {
    await until('the search', async () => ((await world.getPost(id)).phase === 'reconciling' ? true : null));
    await world.skipTime(`post:${id}`);
  }
  for (const { id } of [first, second]) await world.untilPost(id, 'unknown');
  expect(await second.made()).toMatchObject([{ live: true }]);
});
