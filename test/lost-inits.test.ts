import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Json, type World } from './world.ts';

/* Inits whose answer is lost and whose webhook does not arrive: the creator's list of videos may show them. */

let world: World;
let accountId: string;
let creator: string;
beforeAll(async () => {
  // Not every app asks for the list.
  const scopes = ['user.info.basic', 'user.info.profile', 'video.list', 'video.upload', 'video.publish'];
  world = await createWorld({ env: { TIKTOK_SCOPES: scopes.join(',') } });
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  await world.control('POST', '/webhooks', { drop: 1000 });
  creator = `creator_${randomUUID().slice(0, 8)}`;
  accountId = await world.connect(creator);
});

/** A photo post, or a video by URL, whose init gets no answer. */
async function publishLost(
  more: { photo?: boolean; kind?: string; postInfo?: object } = {},
): Promise<string> {
  const { photo = true, kind = 'accept-then-drop' } = more;
  await world.fault({ endpoint: photo ? 'content.init' : 'video.init', kind });
  const address = `${world.url}/livez`;
  const { status, body } = await world.publish({
    accountId,
    source: 'PULL_FROM_URL',
    ...(photo ? { photoUrls: [address] } : { videoUrl: address }),
    postInfo: { title: randomUUID(), privacy_level: 'PUBLIC_TO_EVERYONE', ...more.postInfo },
    allowDuplicate: true,
  });
  expect(status).toBe(202);
  return body.id;
}
const untilReconciling = (id: string): Promise<true> =>
  until('the search', async () => ((await world.getPost(id)).phase === 'reconciling' ? true : null));
const live = async (): Promise<Json[]> => {
  const { openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body;
  return (await world.publishes()).filter((row) => row.openId === openId && row.live);
};
/** The reads of the list since the last check, once there were two more. */
const untilListedTwice = async (): Promise<void> => {
  const before = (await world.requests('video.list')).length;
  await until('two more looks', async () =>
    (await world.requests('video.list')).length >= before + 2 ? true : null,
  );
};

// First: the other tests leave posts that are looked for.
test.each([
  ['a post that is not public', { privacy_level: 'SELF_ONLY' }, null],
  ['a post without a text', { title: '' }, null],
  [
    'an account without video.list',
    {},
    ['user.info.basic', 'user.info.profile', 'video.upload', 'video.publish'],
  ],
])('for %s: TikTok is not asked', async (_what, postInfo, scopes) => {
  onTestFailed(() => world.tell());
  if (scopes !== null) await world.visitConsent({ creator, scopes });
  await world.control('DELETE', '/requests');
  const id = await publishLost({ postInfo });
  await untilReconciling(id);
  await world.skipTime(`post:${id}`);
  await world.untilPost(id, 'unknown');
  expect(await world.requests('video.list')).toEqual([]);
});

test.each([
  ['photos', true],
  ['a video by URL', false],
])('%s: found by text, time and kind, once, without its publish id', async (_what, photo) => {
  onTestFailed(() => world.tell());
  const post = await world.untilPost(await publishLost({ photo }), 'published');
  const [made, ...others] = await live();
  expect(others).toEqual([]);
  expect(post).toMatchObject({ publishId: null, providerPostId: made.postIds[0], error: null });
  expect(post.permalink).toBe(
    `https://www.tiktok.com/@${creator}/${photo ? 'photo' : 'video'}/${post.providerPostId}`,
  );
});

test('a webhook after the find brings the publish id, and no other post takes it', async () => {
  onTestFailed(() => world.tell());
  const found = await world.untilPost(await publishLost(), 'published');
  const lost = await publishLost({ kind: 'drop-before' });
  await untilReconciling(lost);
  const [made] = await live();
  const send = (event: string, content: object): Promise<unknown> =>
    world.control('POST', '/tiktok/webhooks/send', { event, openId: made.openId, content });
  await world.control('POST', '/webhooks', { drop: 0 });
  await send('post.publish.publicly_available', {
    publish_id: made.id,
    post_id: found.providerPostId,
    publish_type: 'DIRECT_PUBLISH',
  });
  await until('the publish id', async () =>
    (await world.getPost(found.id)).publishId === made.id ? true : null,
  );
  expect(await world.getPost(lost)).toMatchObject({ state: 'processing', publishId: null });
});

describe('is not guessed', () => {
  test('if two posts with one text are lost and one is live', async () => {
    onTestFailed(() => world.tell());
    const postInfo = { title: `same ${randomUUID()}` };
    const ids = [await publishLost({ postInfo, kind: 'drop-before' })];
    await untilReconciling(ids[0] ?? '');
    ids.push(await publishLost({ postInfo }));
    await untilReconciling(ids[1] ?? '');
    await until('one to be listed', async () => ((await live())[0]?.postIds.length > 0 ? true : null));
    for (const id of ids) expect(await world.getPost(id)).toMatchObject({ state: 'processing' });
  });

  test('if the creator posted the same before, or another text', async () => {
    onTestFailed(() => world.tell());
    const title = `again ${randomUUID()}`;
    const { openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body;
    const createdAt = Date.now() - 600_000;
    await world.control('POST', '/tiktok/videos', { openId, title, kind: 'photo', createdAt });
    await world.control('POST', '/tiktok/videos', { openId, title: 'another', kind: 'photo' });
    await world.control('POST', '/tiktok/videos', { openId, title, kind: 'video' });
    const id = await publishLost({ postInfo: { title }, kind: 'drop-before' });
    await untilReconciling(id);
    await untilListedTwice();
    expect(await world.getPost(id)).toMatchObject({ state: 'processing', phase: 'reconciling' });
  });
});

test('after a 429 a call waits until the oldest call has left its minute, not for a whole minute', async () => {
  onTestFailed(() => world.tell());
  const publish = async (): Promise<string> => {
    const { body } = await world.publish({
      accountId,
      source: 'PULL_FROM_URL',
      videoUrl: `${world.url}/livez`,
      allowDuplicate: true,
    });
    return body.id;
  };
  await world.untilPost(await publish(), 'published');
  await world.database.db.execute(sql`
    update quota_reservations set at = at - interval '50 seconds' where oauth_account_id = ${accountId}`);
  await world.fault({ endpoint: 'video.init', kind: 'status', http: 429, code: 'rate_limit_exceeded' });
  const refused = await publish();
  const { waiting } = await world.untilPost(refused, 'waiting_quota');
  expect(waiting).toMatchObject({ reason: 'quota', quota: 'init:direct' });
  expect(Date.parse(waiting.until) - Date.now()).toBeLessThan(12_000);
  await world.untilPost(refused, 'published');
});
