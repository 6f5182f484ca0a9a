import { eq } from 'drizzle-orm';
import type { Db } from './client.ts';
import { tiktokPosts } from './schema.ts';

export type TikTokPost = typeof tiktokPosts.$inferSelect;

/** TikTok's own record of a post. */
export async function findTikTokPost(db: Db, postId: string): Promise<TikTokPost | null> {
  const [row] = await db.select().from(tiktokPosts).where(eq(tiktokPosts.postId, postId));
  return row ?? null;
}
