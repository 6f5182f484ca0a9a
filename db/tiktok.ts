import { and, eq, inArray, notInArray, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { errorColumns } from './post-errors.ts';
import type { CopyTable, ProviderTables } from './provider-tables.ts';
import { FINAL_STATES, posts, tiktokPosts, tiktokVideos } from './schema.ts';

export type TikTokPost = typeof tiktokPosts.$inferSelect;

/** TikTok's own record of a post. */
export async function findTikTokPost(db: Db, postId: string): Promise<TikTokPost | null> {
  const [row] = await db.select().from(tiktokPosts).where(eq(tiktokPosts.postId, postId));
  return row ?? null;
}

const media: CopyTable = {
  holds: 'media',
  table: tiktokVideos,
  key: 'videoId',
  owner: 'oauthAccountId',
  time: 'createTime',
  volatile: ['coverImageUrl', 'coverUntil', 'postId'],
  counts: ['likeCount', 'commentCount', 'shareCount', 'viewCount'],
  ownersOf: async (_tx, accountId) => () => accountId,
  ofAccount: (accountId) => eq(tiktokVideos.oauthAccountId, accountId),
};

/** TikTok's own record of each post, in TikTok's words, and copies of the creator's videos. */
export const tiktokTables: ProviderTables = {
  copies: { media },

  async onAccepted(tx, { id, userId, request }) {
    await tx.insert(tiktokPosts).values({ postId: id, userId, ...columnsOf(request) });
  },

  async onPublishId(tx, postId, publishId) {
    await tx.update(tiktokPosts).set({ publishId }).where(eq(tiktokPosts.postId, postId));
  },

  async onStatus(db, postId, status) {
    // The last status came with the end of the post.
    const open = db
      .select({ id: posts.id })
      .from(posts)
      .where(and(eq(posts.id, postId), notInArray(posts.state, [...FINAL_STATES])));
    await db
      .update(tiktokPosts)
      .set({ status })
      .where(and(inArray(tiktokPosts.postId, open), sql`${tiktokPosts.status} is distinct from ${status}`));
  },

  async onSettled(tx, postId, { status, error }) {
    await tx
      .update(tiktokPosts)
      .set({ status, ...errorColumns(error) })
      .where(eq(tiktokPosts.postId, postId));
  },
};

/** The columns that repeat the accepted request (`TikTokRequest` of providers/tiktok/request.ts). */
function columnsOf(request: unknown): Pick<typeof tiktokPosts.$inferInsert, 'source' | 'mode' | 'title'> {
  const { source, mode, postInfo } = fieldsOf(request);
  const { title } = fieldsOf(postInfo);
  if (typeof source !== 'string' || typeof mode !== 'string')
    throw new Error('a request to TikTok has no source or mode');
  return { source, mode, title: typeof title === 'string' ? title : null };
}

const fieldsOf = (value: unknown): Record<string, unknown> => ({ ...Object(value) });
