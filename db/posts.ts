import { and, desc, eq, notInArray, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { after, type Page } from './page.ts';
import { FINAL_STATES, posts } from './schema.ts';

export type Post = typeof posts.$inferSelect;

/** The post that was created with an Idempotency-Key. */
export async function findPostByKey(db: Db, userId: string, key: string): Promise<Post | null> {
  const [post] = await db
    .select()
    .from(posts)
    .where(and(eq(posts.userId, userId), eq(posts.idempotencyKey, key)));
  return post ?? null;
}

export async function findPost(db: Db, userId: string, id: string): Promise<Post | null> {
  const [post] = await db
    .select()
    .from(posts)
    .where(and(eq(posts.userId, userId), eq(posts.id, id)));
  return post ?? null;
}

/** Any tenant's post, for workflows. @throws Error if it does not exist: posts are never deleted */
export async function postById(db: Db, id: string): Promise<Post> {
  const [post] = await db.select().from(posts).where(eq(posts.id, id));
  if (post === undefined) throw new Error(`no post ${id}`);
  return post;
}

/** Newest first. */
export async function listPosts(db: Db, userId: string, page: Page): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(eq(posts.userId, userId), after(page, posts.createdAt, posts.id)))
    .orderBy(desc(posts.createdAt), desc(posts.id))
    .limit(page.limit + 1);
}

/** The open posts of an account. */
export async function openPosts(db: Db, accountId: string): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(eq(posts.oauthAccountId, accountId), notInArray(posts.state, [...FINAL_STATES])));
}

/** Set with every change of a row that clients can see. */
export const changed = { version: sql`${posts.version} + 1` };
