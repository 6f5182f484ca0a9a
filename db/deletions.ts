import { and, eq, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { madeVisible } from './live.ts';
import { changed, type Post } from './posts.ts';
import { type PostError, posts } from './schema.ts';

/**
 * What of a post is live, by the provider's ids, in the order in which it went out; empty: nothing is known to be.
 * @returns null where something is live whose id nobody knows
 */
export async function liveIds(db: Db, post: Post): Promise<string[] | null> {
  const parts = (await madeVisible(db, post)).filter(({ live }) => live);
  const ids = parts.map(({ providerPostId }) => providerPostId);
  // The root's id may have been learned after its write, and where no write shows a post it is all that is known.
  if (ids.length > 0) ids[0] ??= post.providerPostId;
  else if (post.state === 'published') ids.push(post.providerPostId);
  const known = ids.filter((id) => id !== null);
  return known.length === ids.length ? known : null;
}

/**
 * Notes that what is live of a post is to be deleted, and with it the intent to start the workflow that does. One that
 * is under way, or done, stays as it is.
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

/** Under way, or not begun; the condition of their index. */
const open = and(isNotNull(posts.deletionRequestedAt), isNull(posts.deletedAt), isNull(posts.deletionError));

/** Posts that are to be deleted but whose workflow nobody has started. */
export async function unstartedDeletions(db: Db, limit: number): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(open, isNull(posts.deletionStartedAt)))
    .orderBy(posts.deletionRequestedAt)
    .limit(limit);
}

/** Deletions under way that nobody has compared with their workflow for a minute, those of longest ago first. */
export async function uncheckedDeletions(db: Db, limit: number): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(open, lt(posts.deletionStartedAt, sql`now() - interval '1 minute'`)))
    .orderBy(posts.deletionStartedAt)
    .limit(limit);
}

/** Notes that the workflows of these deletions run. */
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

/** The end of a deletion. @param error null: nothing of the post is live any more */
export async function settleDeletion(db: Db, id: string, error: PostError | null): Promise<void> {
  const end = error === null ? { deletedAt: new Date(), deletionError: null } : { deletionError: error };
  await db
    .update(posts)
    .set({ ...end, nextStep: null, nextAt: null, ...changed })
    .where(and(eq(posts.id, id), isNull(posts.deletedAt)));
}
