import { and, eq, inArray, notInArray, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { FINAL_STATES, posts, tiktokPosts } from './schema.ts';

export type TikTokPost = typeof tiktokPosts.$inferSelect;

/** TikTok's own record of a post. */
export async function findTikTokPost(db: Db, postId: string): Promise<TikTokPost | null> {
  const [row] = await db.select().from(tiktokPosts).where(eq(tiktokPosts.postId, postId));
  return row ?? null;
}

/** Keeps TikTok's own word for where an open post stands; the last one came with its end. */
export async function saveStatus(db: Db, postId: string, status: string): Promise<void> {
  const open = db
    .select({ id: posts.id })
    .from(posts)
    .where(and(eq(posts.id, postId), notInArray(posts.state, [...FINAL_STATES])));
  await db
    .update(tiktokPosts)
    .set({ status })
    .where(and(inArray(tiktokPosts.postId, open), sql`${tiktokPosts.status} is distinct from ${status}`));
}
