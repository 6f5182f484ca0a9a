import { and, eq, gt, inArray, isNull, notInArray, or, sql } from 'drizzle-orm';
import { EVENT_PATIENCE } from '../patience.ts';
import type { Db } from './client.ts';
import { changed, type Post } from './posts.ts';
import { tablesOf } from './registry.ts';
import { FINAL_STATES, oauthAccounts, posts, publishAttempts } from './schema.ts';

export async function findPostByPublishId(
  db: Db,
  userId: string,
  provider: string,
  publishId: string,
): Promise<Post | null> {
  const post = await postByPublishId(db, provider, publishId);
  return post?.userId === userId ? post : null;
}

/** Any tenant's post, for webhooks. */
export async function postByPublishId(db: Db, provider: string, publishId: string): Promise<Post | null> {
  const [post] = await db
    .select()
    .from(posts)
    .where(and(eq(posts.provider, provider), eq(posts.publishId, publishId)));
  return post ?? null;
}

/** Records a post's publish id in the provider's own tables. `savePost` records it in the post. */
export async function savePublishId(
  tx: Db,
  { id, provider }: Pick<Post, 'id' | 'provider'>,
  publishId: string,
): Promise<void> {
  await tablesOf(provider).onPublishId?.(tx, id, publishId);
}

/**
 * Gives an unknown publish id to the one post of this person whose write lost its answer.
 * @returns null if there is none, or more than one candidate
 */
export async function adoptPublishId(
  db: Db,
  {
    provider,
    openId,
    publishId,
    providerPostId,
  }: { provider: string; openId: string; publishId: string; providerPostId: string | null },
): Promise<Post | null> {
  return db.transaction(async (tx) => {
    const lost = await tx
      .select({ id: posts.id, providerPostId: posts.providerPostId })
      .from(posts)
      .innerJoin(oauthAccounts, eq(oauthAccounts.id, posts.oauthAccountId))
      .where(
        and(
          eq(posts.provider, provider),
          eq(oauthAccounts.openId, openId),
          isNull(posts.publishId),
          or(
            sql`(${posts.phase} = 'reconciling' or ${posts.state} = 'unknown')`,
            // It was found in a list of live posts, which has no publish ids; its event may still come.
            and(
              eq(posts.state, 'published'),
              gt(posts.updatedAt, sql`now() - ${EVENT_PATIENCE} * interval '1 ms'`),
            ),
            // The same, in the moment before it is published: no other post must get its event.
            and(
              notInArray(posts.state, [...FINAL_STATES]),
              sql`exists (select from ${publishAttempts} found where found.post_id = ${posts.id} and found.status = 'accepted')`,
            ),
          ),
        ),
      )
      .for('update', { of: posts });
    const known = lost.filter((post) => providerPostId !== null && post.providerPostId === providerPostId);
    const fitting = lost.filter((post) => providerPostId === null || post.providerPostId === null);
    const [only, another] = known.length > 0 ? known : fitting;
    if (only === undefined || another !== undefined) return null;
    // A write that is still waiting for its answer may have made it; then the answer will say so.
    const underWay = await tx
      .select({ id: publishAttempts.id })
      .from(publishAttempts)
      .innerJoin(posts, eq(posts.id, publishAttempts.postId))
      .innerJoin(oauthAccounts, eq(oauthAccounts.id, posts.oauthAccountId))
      .where(
        and(
          eq(oauthAccounts.openId, openId),
          eq(posts.provider, provider),
          inArray(publishAttempts.status, ['prepared', 'sent']),
        ),
      )
      .limit(1);
    if (underWay.length > 0) return null;
    await tablesOf(provider).onPublishId?.(tx, only.id, publishId);
    const [adopted] = await tx
      .update(posts)
      .set({ publishId, ...changed })
      .where(eq(posts.id, only.id))
      .returning();
    return adopted ?? null;
  });
}
