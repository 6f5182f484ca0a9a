import { and, eq, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { madeVisible } from './live.ts';
import { changed, type Post } from './posts.ts';
import { type PostError, posts } from './schema.ts';

/**
 * The provider's ids of the live parts of a post, in publishing order; empty: none are known to be live.
 * @returns null if something is live under an unknown id
 */
export async function liveIds(db: Db, post: Post): Promise<string[] | null> {
  const parts = (await madeVisible(db, post)).filter(({ live }) => live);
  const ids = parts.map(({ providerPostId }) => providerPostId);
  // The root's id may have arrived after its write; for a plan without visible writes it is the only one.
  if (ids.length > 0) ids[0] ??= post.providerPostId;
  else if (post.state === 'published') ids.push(post.providerPostId);
  const known = ids.filter((id) => id !== null);
  return known.length === ids.length ? known : null;
}

/**
 * Records that the live parts of a post are to be deleted, and the intent to start the workflow for it. A deletion in
 * progress or done stays unchanged.
 */
export async function requestDeletion(db: Db, { id, userId }: Post): Promise<Post | null> {
  const [asked] = await db
    .update(posts)
    .set({ deletionRequestedAt: new Date(), deletionStartedAt: null, deletionError: null, ...changed })
    .where(
      and(
        eq(posts.userId, userId),
        eq(posts.id, id),
        isNull(posts.deletedAt),
        or(isNull(posts.deletionRequestedAt), isNotNull(posts.deletionError)),
      ),
    )
    .returning();
  return asked ?? null;
}

/** In progress, or not begun; the condition of the index. */
const open = and(isNotNull(posts.deletionRequestedAt), isNull(posts.deletedAt), isNull(posts.deletionError));

/** Requested deletions whose workflow was never started. */
export async function unstartedDeletions(db: Db, limit: number): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(open, isNull(posts.deletionStartedAt)))
    .orderBy(posts.deletionRequestedAt)
    .limit(limit);
}

/** Deletions in progress that were not compared with their workflow for a minute, oldest check first. */
export async function uncheckedDeletions(db: Db, limit: number): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(open, lt(posts.deletionStartedAt, sql`now() - interval '1 minute'`)))
    .orderBy(posts.deletionStartedAt)
    .limit(limit);
}

/** Records that the workflows of these deletions run. */
export async function markDeletionsChecked(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .update(posts)
    .set({ deletionStartedAt: sql`now()`, updatedAt: posts.updatedAt })
    .where(and(inArray(posts.id, [...ids]), isNotNull(posts.deletionStartedAt)));
}

export async function markDeletionStarted(db: Db, id: string): Promise<void> {
  await db
    .update(posts)
    .set({ deletionStartedAt: new Date() })
    .where(and(eq(posts.id, id), isNull(posts.deletionStartedAt)));
}

/** Shows until when a deletion waits. */
export async function saveDeletionWait(db: Db, id: string, at: Date): Promise<void> {
  await db
    .update(posts)
    .set({ nextStep: 'delete', nextAt: at, ...changed })
    .where(eq(posts.id, id));
}

/** The end of a deletion. @param error null: no part of the post is live any more */
export async function settleDeletion(db: Db, id: string, error: PostError | null): Promise<void> {
  const end = error === null ? { deletedAt: new Date(), deletionError: null } : { deletionError: error };
  await db
    .update(posts)
    .set({ ...end, nextStep: null, nextAt: null, ...changed })
    .where(and(eq(posts.id, id), isNull(posts.deletedAt)));
}
