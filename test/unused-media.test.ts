import { randomBytes, randomUUID } from 'node:crypto';
import { sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../db/client.ts';
import { deleteMedia, selectUnused, unusedMedia } from '../db/media-removal.ts';
import { cloneDatabase, type Json } from './world.ts';

/* The files that no post needs, and the cost of finding them among many posts and files. */

const MANY = 3_000;
let database: Database;
beforeAll(async () => {
  database = openDatabase(await cloneDatabase(`m${randomBytes(6).toString('hex')}`), 2);
  await many();
}, 120_000);
afterAll(() => database?.close());

const userId = randomUUID();
const accountId = randomUUID();

/** A user with many posts, each with a file that only its request names, and many newer files. */
async function many(): Promise<void> {
  const { db } = database;
  await db.execute(sql`insert into users (id, email) values (${userId}, 'one@example.com')`);
  await db.execute(sql`
    insert into oauth_accounts (id, user_id, provider, open_id, scope, connected_at)
    values (${accountId}, ${userId}, 'tiktok', 'one', '{}', now())`);
  await db.execute(sql`
    insert into media (id, user_id, filename, content_type, size, storage_key, state, expires_at, request_hash)
    select gen_random_uuid(), ${userId}, 'f', 'video/mp4', 1, 'new' || n, 'ready', now(), ''
    from generate_series(1, ${MANY}) n`);
  await db.execute(sql`
    insert into posts (user_id, oauth_account_id, provider, request, plan, fingerprint, request_hash, state, deadline_at)
    select ${userId}, ${accountId}, 'threads', jsonb_build_object('text', n, 'children', jsonb_build_array(
      jsonb_build_object('mediaId', gen_random_uuid()))), '[]', '', '', 'published', now()
    from generate_series(1, ${MANY}) n`);
  await db.execute(sql`analyze`);
}

beforeEach(async () => {
  await database.db.execute(sql`delete from posts where fingerprint = 'test'`);
  await database.db.execute(sql`delete from media where storage_key like 'old%'`);
});

/** A file that is two days old. */
async function oldFile(): Promise<string> {
  const id = randomUUID();
  await database.db.execute(sql`
    insert into media (id, user_id, filename, content_type, size, storage_key, state, expires_at, request_hash, created_at, uploaded_at)
    values (${id}, ${userId}, 'f', 'video/mp4', 1, ${`old${id}`}, 'ready', now(), '', now() - interval '2 days', now() - interval '2 days')`);
  return id;
}

async function post(state: string, request: object, mediaId: string | null, updatedAt: SQL): Promise<string> {
  const id = randomUUID();
  await database.db.execute(sql`
    insert into posts (id, user_id, oauth_account_id, provider, media_id, request, plan, fingerprint, request_hash, state, deadline_at, updated_at)
    values (${id}, ${userId}, ${accountId}, 'threads', ${mediaId}, ${JSON.stringify(request)}::jsonb, '[]', 'test', '', ${state}, now(), ${updatedAt})`);
  return id;
}

const yesterday = () => new Date(Date.now() - 86_400_000);
const unused = async (): Promise<string[]> =>
  (await unusedMedia(database.db, yesterday(), 100)).map(({ id }) => id);

test('A file is unused once neither an open nor a recent post names it, anywhere in its request.', async () => {
  const files = await Promise.all(Array.from({ length: 6 }, () => oldFile()));
  const [free, alone, child, reply, recent, over] = files.map(String);
  const long = sql`now() - interval '2 days'`;
  const open = await Promise.all([
    post('scheduled', {}, alone ?? '', long),
    post('accepted', { children: [{ mediaId: child }] }, null, long),
    post('accepted', { replies: [{ children: [{ mediaId: reply }] }] }, null, long),
  ]);
  await post('published', { mediaId: recent }, null, sql`now()`);
  await post('published', { mediaId: over }, null, long);
  expect((await unused()).toSorted()).toEqual([free, over].map(String).toSorted());
  for (const [index, mediaId] of [alone, child, reply].entries())
    expect(await deleteMedia(database.db, userId, mediaId ?? '')).toEqual({
      outcome: 'in_use',
      postIds: [open[index]],
    });
  expect((await deleteMedia(database.db, userId, over ?? '')).outcome).toBe('deleted');
});

/** The number of rows of a table that a plan has read, discarded ones included. */
function read(plan: Json, table: string): number {
  const own =
    plan['Relation Name'] === table
      ? (plan['Actual Rows'] +
          (plan['Rows Removed by Filter'] ?? 0) +
          (plan['Rows Removed by Index Recheck'] ?? 0)) *
        plan['Actual Loops']
      : 0;
  return (plan.Plans ?? []).reduce((sum: number, inner: Json) => sum + read(inner, table), own);
}

test('The query reads a file’s posts and the old files, not all posts of its user and all files.', async () => {
  const files = await Promise.all(Array.from({ length: 20 }, () => oldFile()));
  for (const file of files.slice(10))
    await post('scheduled', { children: [{ mediaId: file }] }, null, sql`now()`);
  const query = selectUnused(database.db, yesterday(), 100).toSQL();
  const parts = query.sql.split(/\$\d+/);
  const statement = sql.join(
    parts.flatMap((part, index) =>
      index === 0 ? [sql.raw(part)] : [sql`${query.params[index - 1]}`, sql.raw(part)],
    ),
  );
  const [row] = await database.db.execute<Json>(sql`explain (analyze, format json) ${statement}`);
  const { Plan: plan } = row['QUERY PLAN'][0];
  expect(plan['Actual Rows']).toBe(10);
  expect(read(plan, 'posts')).toBeLessThan(200);
  expect(read(plan, 'media')).toBeLessThan(200);
});
