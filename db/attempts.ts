import { and, desc, eq, gt, inArray, isNotNull, isNull, ne, notInArray, sql } from 'drizzle-orm';
import { possiblyVisibleWrites } from '../plan.ts';
import type { Db } from './client.ts';
import type { Post } from './posts.ts';
import { type AttemptStatus, isFinal, posts, publishAttempts } from './schema.ts';

export type Attempt = typeof publishAttempts.$inferSelect;

/** The attempts of a post, newest first. */
export async function listAttempts(db: Db, postId: string): Promise<Attempt[]> {
  return db
    .select()
    .from(publishAttempts)
    .where(eq(publishAttempts.postId, postId))
    .orderBy(desc(publishAttempts.createdAt));
}

/** The ids of what the accepted writes of a post have made, by step. */
export async function madeBy(db: Db, postId: string): Promise<Record<string, string>> {
  const rows = await db
    .select({ step: publishAttempts.step, ref: publishAttempts.providerRef })
    .from(publishAttempts)
    .where(and(eq(publishAttempts.postId, postId), eq(publishAttempts.status, 'accepted')))
    .orderBy(publishAttempts.createdAt);
  return Object.fromEntries(rows.flatMap(({ step, ref }) => (ref === null ? [] : [[step, ref]])));
}

/** The ids of what the other posts of the account have made since then. */
export async function madeByOthers(
  db: Db,
  { id, oauthAccountId }: Pick<Post, 'id' | 'oauthAccountId'>,
  since: Date,
): Promise<string[]> {
  const rows = await db
    .select({ ref: publishAttempts.providerRef })
    .from(publishAttempts)
    .innerJoin(posts, eq(posts.id, publishAttempts.postId))
    .where(
      and(
        eq(posts.oauthAccountId, oauthAccountId),
        ne(posts.id, id),
        eq(publishAttempts.status, 'accepted'),
        gt(publishAttempts.finishedAt, since),
      ),
    );
  const live = await db
    .select({ ref: posts.providerPostId })
    .from(posts)
    .where(and(eq(posts.oauthAccountId, oauthAccountId), ne(posts.id, id), gt(posts.updatedAt, since)));
  return [...rows, ...live].flatMap(({ ref }) => (ref === null ? [] : [ref]));
}

const UNSENT = ['scheduled', 'waiting_quota', 'waiting_account'] as const;

/** The requests of the account's other posts since then of which it is not known whether they are live, or as what. */
export async function requestsInDoubt(
  db: Db,
  { id, oauthAccountId }: Pick<Post, 'id' | 'oauthAccountId'>,
  since: Date,
): Promise<unknown[]> {
  const rows = await db
    .select({ request: posts.request })
    .from(posts)
    .where(
      and(
        eq(posts.oauthAccountId, oauthAccountId),
        ne(posts.id, id),
        gt(posts.updatedAt, since),
        isNull(posts.providerPostId),
        notInArray(posts.state, ['failed', 'cancelled', 'delivered', ...UNSENT]),
        // Its first write may be under way.
        sql`(${posts.state} <> 'accepted' or ${posts.phase} is not null)`,
      ),
    );
  return rows.map(({ request }) => request);
}

/** The newest attempt of a step; null: it was never tried. */
export async function lastAttempt(db: Db, postId: string, step: string): Promise<Attempt | null> {
  const [attempt] = await db
    .select()
    .from(publishAttempts)
    .where(and(eq(publishAttempts.postId, postId), eq(publishAttempts.step, step)))
    .orderBy(desc(publishAttempts.createdAt))
    .limit(1);
  return attempt ?? null;
}

/**
 * How often a step has ended like this, since what it uses was made.
 * @param uses the steps that made it
 */
export async function countEnds(
  db: Db,
  postId: string,
  { step, errorCode, uses }: { step: string; errorCode: string; uses: readonly string[] },
): Promise<number> {
  const newestFirst = await listAttempts(db, postId);
  const made = newestFirst.findIndex((attempt) => uses.includes(attempt.step));
  const since = made === -1 ? newestFirst : newestFirst.slice(0, made);
  return since.filter((attempt) => attempt.step === step && attempt.errorCode === errorCode).length;
}

/**
 * Notes that a write is about to be made; fails when one is open already.
 * @param post as it was read when the write was found to be due
 * @returns null when the post has changed since: it was moved to another time, or has ended
 */
export async function prepareAttempt(
  db: Db,
  post: { id: string; userId: string; scheduledAt: Date | null },
  { step, tokenVersion }: { step: string; tokenVersion: number },
): Promise<Attempt | null> {
  return db.transaction(async (tx) => {
    const [now] = await tx.select().from(posts).where(eq(posts.id, post.id)).for('update');
    if (now === undefined || isFinal(now.state)) return null;
    if (now.scheduledAt?.getTime() !== post.scheduledAt?.getTime()) return null;
    const values = { postId: post.id, userId: post.userId, step, tokenVersion };
    const [attempt] = await tx.insert(publishAttempts).values(values).returning();
    return attempt ?? null;
  });
}

/**
 * From here on the provider may have seen the write.
 * @returns false when another try has taken this one for lost, and sends it or has sent it
 */
export async function markSent(db: Db, id: string): Promise<boolean> {
  const sent = await db
    .update(publishAttempts)
    .set({ status: 'sent', sentAt: new Date() })
    .where(and(eq(publishAttempts.id, id), eq(publishAttempts.status, 'prepared')))
    .returning({ id: publishAttempts.id });
  return sent.length > 0;
}

export interface AttemptOutcome {
  status: Exclude<AttemptStatus, 'prepared' | 'sent'>;
  providerRef?: string | null;
  secretEncrypted?: Uint8Array | null;
  logId?: string | null;
  errorCode?: string | null;
  errorMessage?: string | null;
}

/**
 * Closes an attempt with its outcome.
 * @returns false when it is closed already: a later try has taken this one for lost
 */
export async function closeAttempt(
  db: Db,
  id: string,
  from: 'prepared' | 'sent' | 'unknown',
  outcome: AttemptOutcome,
): Promise<boolean> {
  const closed = await db
    .update(publishAttempts)
    .set({ ...outcome, finishedAt: new Date() })
    .where(and(eq(publishAttempts.id, id), eq(publishAttempts.status, from)))
    .returning({ id: publishAttempts.id });
  return closed.length > 0;
}

/**
 * What accepted writes made is gone before it was of use: they have to be made again.
 * @returns which writes, and how often it has happened to the one of these steps that it happened to most
 */
export async function supersedeAttempts(
  db: Db,
  postId: string,
  steps: readonly string[],
  errorCode: string,
): Promise<{ superseded: string[]; times: number }> {
  const ofSteps = and(eq(publishAttempts.postId, postId), inArray(publishAttempts.step, [...steps]));
  const superseded = await db
    .update(publishAttempts)
    .set({ status: 'rejected', errorCode, secretEncrypted: null })
    .where(and(ofSteps, eq(publishAttempts.status, 'accepted')))
    .returning({ step: publishAttempts.step });
  const rows = await db
    .select({ times: sql<number>`count(*)::int` })
    .from(publishAttempts)
    .where(and(ofSteps, eq(publishAttempts.status, 'rejected'), isNotNull(publishAttempts.providerRef)))
    .groupBy(publishAttempts.step);
  return {
    superseded: superseded.map(({ step }) => step),
    times: Math.max(0, ...rows.map(({ times }) => times)),
  };
}

/** Whether something of the post may be seen. */
export async function findLiveWrite(db: Db, { id, plan }: Pick<Post, 'id' | 'plan'>): Promise<boolean> {
  const rows = await db
    .select({ id: publishAttempts.id })
    .from(publishAttempts)
    .where(
      and(
        eq(publishAttempts.postId, id),
        inArray(publishAttempts.status, ['sent', 'accepted', 'unknown']),
        inArray(publishAttempts.step, possiblyVisibleWrites(plan)),
      ),
    )
    .limit(1);
  return rows.length > 0;
}
