import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { type Database, openDatabase } from '../db/client.ts';
import { migrateDatabase } from '../db/migrate.ts';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { jpeg } from '../sandbox/testing/media.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import type { Child } from '../stack/child.ts';
import { SYNC_DUE_ID } from '../temporal/names.ts';
import { copyRows, createDatabaseAt } from './world/old-database.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/*
 * A database from before sync, with accounts, posts, and the media and comments that webhooks told of: it is migrated,
 * and the first pass completes what is there.
 */

const LAST_BEFORE_SYNC = '0022_parts_of_transfers';
const DAY = 86_400_000;

let world: World;
let worker: Child;
let instagram: InstagramWorld;
let old: Database | undefined;
beforeAll(async () => {
  world = await createWorld({ worker: false, env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
  worker = await world.spawn('worker', { EVERPOST_SYNC: 'off' });
});
afterAll(async () => {
  await world?.close();
  await old?.close();
});

const connect = async (provider: string): Promise<Json> =>
  (await world.visitConsent({}, world.user.key, provider)).answer.body.accounts[0];

async function publish(path: string, body: Json): Promise<Json> {
  const answer = await world.call('POST', path, { body });
  return world.untilPost(answer.body.id, 'published');
}

test('a database of webhooks’ comments migrates, and the first pass completes each row once', async () => {
  onTestFailed(() => world.tell());
  const [tiktok, threads, { id, username }] = [
    { id: await world.connect() },
    await connect('threads'),
    await connect('instagram'),
  ];
  const mediaId = await world.upload(jpeg(), undefined, 'image/jpeg');
  const posts = {
    ig_media: await publish('/api/instagram/publish', { accountId: id, mediaType: 'IMAGE', mediaId }),
    threads_media: await publish('/api/threads/publish', {
      accountId: threads.id,
      mediaType: 'TEXT',
      postInfo: { text: 'of Everpost' },
    }),
    tiktok_videos: await world
      .publish({ accountId: tiktok.id, mediaId: await world.upload() })
      .then(({ body }) => world.untilPost(body.id, 'published')),
  };
  const foreign = await instagram.makeMedia({
    account: username,
    caption: 'not ours',
    createdAt: Date.now() - DAY,
  });
  await createThreadsWorld(world.sandbox.url).makeMedia({ text: 'not ours', createdAt: Date.now() - DAY });
  for (const media of [posts.ig_media.providerPostId, foreign.id]) {
    const { id: parentId } = await instagram.comment(media, 'told by an event', { likes: 7 });
    await instagram.comment(media, 'an answer that no event told', { parentId, event: false });
  }
  const events = sql`select c.id, c.ig_id, c.created_at, m.id as media_row, m.ig_id as media
    from ig_comments c join ig_media m on m.id = c.ig_media_id where c.text = 'told by an event' order by c.id`;
  const before = await until('the comments that events told', async () => {
    const found = await world.database.db.execute<Json>(events);
    return found.length === 2 ? found : null;
  });
  expect(new Set(before.map(({ media }) => media))).toEqual(
    new Set([posts.ig_media.providerPostId, foreign.id]),
  );

  await worker.stop();
  const oldUrl = await createDatabaseAt(`${world.name}_old`, LAST_BEFORE_SYNC);
  old = openDatabase(oldUrl, 3);
  const { db } = old;
  const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => db.execute<Json>(query);
  await copyRows(world.database.db, db);
  expect(await rows(sql`select * from ig_comments`)).toHaveLength(2);
  expect(await migrateDatabase(oldUrl)).toContain('0023_copies_of_what_platforms_know');
  await world.spawn('worker', { DATABASE_URL: oldUrl });
  await until('the Schedule of sync', async () =>
    world.temporal.schedule
      .getHandle(SYNC_DUE_ID)
      .trigger()
      .then(
        () => true,
        () => null,
      ),
  );
  const lines = await until('the first pass of every stream', async () => {
    const all = await rows(sql`select * from sync_states where state <> 'unsupported'`);
    const isOver = all.every((line) => line.state === 'idle' && line.backfill_complete);
    return isOver && new Set(all.map((line) => line.oauth_account_id)).size === 3 ? all : null;
  });
  expect(lines.filter(({ reason }) => reason !== null)).toEqual([]);

  expect(await rows(events)).toEqual(before);
  for (const [table, post] of Object.entries(posts)) {
    const linked = await rows(sql`select * from ${sql.identifier(table)} where post_id = ${post.id}`);
    expect([table, linked]).toEqual([table, [expect.objectContaining({ source: 'page', removed_at: null })]]);
  }
  const media = await rows(sql`select * from ig_media where parent_ig_id is null`);
  expect(media).toHaveLength(2);
  for (const row of media)
    expect(row).toMatchObject({
      source: 'page',
      media_type: 'IMAGE',
      read_at: expect.anything(),
      first_seen_at: row.created_at,
      permalink: expect.stringContaining('http'),
    });
  expect(media.map(({ caption }) => caption)).toContain('not ours');
  const comments = await rows(sql`select * from ig_comments order by text, id`);
  expect(comments.map((row) => [row.text, row.source, row.like_count])).toEqual([
    ['an answer that no event told', 'page', '0'],
    ['an answer that no event told', 'page', '0'],
    ['told by an event', 'page', '7'],
    ['told by an event', 'page', '7'],
  ]);
  expect(await rows(sql`select * from threads_media`)).toHaveLength(2);
  expect(await rows(sql`select * from changes where kind like '%.created'`)).toEqual([]);
});
