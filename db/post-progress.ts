import { and, eq, isNull, ne, notInArray, sql } from 'drizzle-orm';
import { deadlineOf } from '../patience.ts';
import type { Db } from './client.ts';
import { changed, type Post } from './posts.ts';
import { tablesOf } from './registry.ts';
import { FINAL_STATES, isFinal, type PostState, type PostWaiting, posts, publishAttempts } from './schema.ts';

/** The current activity of an open post. */
export interface Progress {
  state?: PostState;
  phase?: string | null;
  next?: { step: string; at: Date } | null;
  publishId?: string;
  sentBytes?: number | null;
  recalledAt?: Date;
  /** Why it waits. Setting another state or phase without it ends the wait. */
  waiting?: PostWaiting | null;
}

/** Records progress; a final post stays unchanged. */
export async function savePost(db: Db, id: string, { next, ...columns }: Progress): Promise<void> {
  await db
    .update(posts)
    .set({
      ...(columns.state === undefined && columns.phase === undefined ? {} : { waiting: null }),
      ...columns,
      ...(next === undefined ? {} : { nextStep: next?.step ?? null, nextAt: next?.at ?? null }),
      ...changed,
    })
    .where(and(eq(posts.id, id), notInArray(posts.state, [...FINAL_STATES])));
}

/**
 * Shows which write of a post is about to be made.
 * @param post as it was read when the write was found to be due
 * @returns false if it has since been moved to another time, or has ended
 */
export async function showWrite(
  tx: Db,
  { id, scheduledAt }: Pick<Post, 'id' | 'scheduledAt'>,
  step: string,
): Promise<boolean> {
  const due =
    scheduledAt === null
      ? isNull(posts.scheduledAt)
      : // The column has microseconds, a Date does not.
        sql`date_trunc('milliseconds', ${posts.scheduledAt}) = ${scheduledAt.toISOString()}::timestamptz`;
  const shown = await tx
    .update(posts)
    .set({ phase: step, waiting: null, nextStep: null, nextAt: null, ...changed })
    .where(and(eq(posts.id, id), due, notInArray(posts.state, [...FINAL_STATES])))
    .returning({ id: posts.id });
  return shown.length > 0;
}

/**
 * Moves a post to another time, if nothing of it was sent. Its deadline moves with it, up to the client's own.
 * @returns false if it is too late
 */
export async function rescheduleUnsent(db: Db, id: string, scheduledAt: Date): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [post] = await tx.select().from(posts).where(eq(posts.id, id)).for('no key update');
    if (post === undefined || isFinal(post.state)) return false;
    // `prepareAttempt` takes the same lock: a write is either recorded before this, or sees the new time.
    const sent = await tx
      .select({ id: publishAttempts.id })
      .from(publishAttempts)
      .where(and(eq(publishAttempts.postId, id), ne(publishAttempts.status, 'rejected')))
      .limit(1);
    if (sent.length > 0) return false;
    await tx
      .update(posts)
      .set({
        state: 'scheduled',
        waiting: null,
        scheduledAt,
        deadlineAt: deadlineOf(scheduledAt, post.clientDeadlineAt),
        nextStep: 'publish',
        nextAt: scheduledAt,
        ...changed,
      })
      .where(eq(posts.id, id));
    return true;
  });
}

/** Stores the provider's own status of an open post, if the provider's tables have a column for it. */
export async function saveStatus(
  db: Db,
  { id, provider }: Pick<Post, 'id' | 'provider'>,
  status: string,
): Promise<void> {
  await tablesOf(provider).onStatus?.(db, id, status);
}
