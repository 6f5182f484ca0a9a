import { and, desc, eq, gt, inArray, isNotNull, isNull, ne, notInArray, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { showWrite } from './post-progress.ts';
import type { Post } from './posts.ts';
import type { QuotaRule } from './quota-ledger.ts';
import { type QuotaFull, reserveWithin } from './quotas.ts';
import { type AttemptStatus, posts, publishAttempts } from './schema.ts';

export type Attempt = typeof publishAttempts.$inferSelect;

/** The attempts of a post, newest first. */
export async function listAttempts(db: Db, postId: string): Promise<Attempt[]> {
  return db
    .select()
    .from(publishAttempts)
    .where(eq(publishAttempts.postId, postId))
    .orderBy(desc(publishAttempts.createdAt));
}

/**
 * The newest attempt of each step and status, newest first: they decide what a post does next, however often it was
 * tried.
 */
export async function newestAttempts(db: Db, postId: string): Promise<Attempt[]> {
  const { step, status, createdAt } = publishAttempts;
  const newest = await db
    .selectDistinctOn([step, status])
    .from(publishAttempts)
    .where(eq(publishAttempts.postId, postId))
    .orderBy(step, status, desc(createdAt));
  return newest.toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime());
}

/** The ids of what the account's other posts made since then. */
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

/** The requests of the account's other posts since then that may be live, or are live under an unknown id. */
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
        // Its first write may be in progress.
        sql`(${posts.state} <> 'accepted' or ${posts.phase} is not null)`,
      ),
    );
  return rows.map(({ request }) => request);
}

/**
 * How often a step has ended like this since its inputs were made.
 * @param uses the steps that made the inputs
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

/** A write that is due. */
interface DueWrite {
  step: string;
  tokenVersion: number;
  /** The quotas of which it takes one each. */
  quotas: readonly QuotaRule[];
  /** Whether the post may have held some of them since it was accepted; those are given back first. */
  held: boolean;
}

export type Prepared =
  | { outcome: 'prepared'; attempt: Attempt }
  /** Since it was read, the post was moved to another time or has ended. */
  | { outcome: 'changed' }
  /** A quota is used up, and nothing was taken. */
  | { outcome: 'quota'; full: QuotaFull };

/**
 * Records that a write is about to be made, and takes its quotas, in one commit; fails if one is open already.
 * @param post as it was read when the write was found to be due
 */
export async function prepareAttempt(
  db: Db,
  post: Pick<Post, 'id' | 'userId' | 'oauthAccountId' | 'scheduledAt'>,
  { step, tokenVersion, quotas, held }: DueWrite,
): Promise<Prepared> {
  const { id, userId, oauthAccountId: accountId } = post;
  try {
    return await db.transaction(async (tx): Promise<Prepared> => {
      // Locks the post before the account, like all code that needs both.
      if (!(await showWrite(tx, post, step))) return { outcome: 'changed' };
      const full = await reserveWithin(tx, { accountId, postId: id, held }, quotas);
      if (full !== null) throw new NothingLeft(full);
      const [attempt] = await tx
        .insert(publishAttempts)
        .values({ postId: id, userId, step, tokenVersion })
        .returning();
      if (attempt === undefined) throw new Error('an attempt was not stored');
      return { outcome: 'prepared', attempt };
    });
  } catch (error) {
    if (error instanceof NothingLeft) return { outcome: 'quota', full: error.full };
    throw error;
  }
}

/** Rolls back everything that the write has recorded. */
class NothingLeft extends Error {
  readonly full: QuotaFull;

  constructor(full: QuotaFull) {
    super(`the quota ${full.quota} is used up`);
    this.full = full;
  }
}

/**
 * From here on the provider may have seen the write.
 * @returns false if another try considers this one lost, and is sending it or has sent it
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
 * @returns false if it is closed already: a later try considered this one lost
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
 * The results of accepted writes were lost before they were of use: they have to be made again.
 * @returns the writes, and the highest number of times that this has happened to one of the steps
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
