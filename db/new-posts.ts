import { and, desc, eq, isNotNull, isNull, notInArray, or, sql } from 'drizzle-orm';
import type { Plan } from '../plan.ts';
import type { Db } from './client.ts';
import { holdMedia } from './media-removal.ts';
import { findPostByKey, type Post } from './posts.ts';
import type { QuotaRule } from './quota-ledger.ts';
import { findFullQuota, type QuotaFull, takeQuotas } from './quotas.ts';
import { tablesOf } from './registry.ts';
import { posts } from './schema.ts';

export interface NewPost {
  userId: string;
  oauthAccountId: string;
  provider: string;
  mediaId: string | null;
  totalBytes: number | null;
  request: unknown;
  plan: Plan;
  summary: string;
  fingerprint: string;
  idempotencyKey: string | null;
  requestHash: string;
  requestId: string | null;
  onQuota: 'wait' | 'fail';
  scheduledAt: Date | null;
  deadlineAt: Date;
  clientDeadlineAt: Date | null;
  allowDuplicate: boolean;
  /** Quotas to hold for the post from now on: without them it is not accepted. */
  hold: readonly QuotaRule[];
}

export type Accepted =
  | { outcome: 'created' | 'replayed'; post: Post }
  /** The same key was used with another body. */
  | { outcome: 'key_reused'; post: Post }
  /** The same account, media and text within 24 h. */
  | { outcome: 'duplicate'; post: Post }
  /** A file of the post has been deleted meanwhile. */
  | { outcome: 'media_gone' }
  /** A quota that was to be held is used up. */
  | { outcome: 'quota'; full: QuotaFull };

/**
 * Accepts a post: the row and the intent to start its workflow are one commit. Concurrent identical requests create
 * exactly one post.
 */
export async function acceptPost(db: Db, { allowDuplicate, hold, ...row }: NewPost): Promise<Accepted> {
  return db.transaction(async (tx): Promise<Accepted> => {
    // With a key, the key decides which requests are the same.
    const unique = !allowDuplicate && row.idempotencyKey === null;
    if (unique)
      await tx.execute(
        sql`select pg_advisory_xact_lock(hashtextextended(${`${row.oauthAccountId}:${row.fingerprint}`}, 0))`,
      );
    const earlier =
      row.idempotencyKey === null ? null : await findPostByKey(tx, row.userId, row.idempotencyKey);
    if (earlier !== null) return replayOf(earlier, row.requestHash);
    const twin = unique ? await recentTwin(tx, row.oauthAccountId, row.fingerprint) : null;
    if (twin !== null) return { outcome: 'duplicate', post: twin };

    if (!(await holdMedia(tx, row.userId, row.mediaId, row.request))) return { outcome: 'media_gone' };
    const taker = { accountId: row.oauthAccountId, postId: null };
    const full = hold.length === 0 ? null : await findFullQuota(tx, taker, hold);
    if (hold.length > 0 && row.idempotencyKey !== null) {
      // The same request, sent twice at once, may have created the post before this one got the account's lock. To insert
      // it again would wait for a worker that has changed the post, and that waits for the lock.
      const other = await findPostByKey(tx, row.userId, row.idempotencyKey);
      if (other !== null) return replayOf(other, row.requestHash);
    }
    if (full !== null) return { outcome: 'quota', full };

    const later = row.scheduledAt !== null && row.scheduledAt.getTime() > Date.now();
    const waiting = later
      ? ({ state: 'scheduled', nextStep: 'publish', nextAt: row.scheduledAt } as const)
      : {};
    const [post] = await tx
      .insert(posts)
      .values({ ...row, ...waiting })
      .onConflictDoNothing()
      .returning();
    if (post === undefined) {
      // A concurrent request used the same key: we waited for its commit.
      const other =
        row.idempotencyKey === null ? null : await findPostByKey(tx, row.userId, row.idempotencyKey);
      if (other === null) throw new Error('a post conflicted with none');
      return replayOf(other, row.requestHash);
    }
    await tablesOf(post.provider).onAccepted?.(tx, post);
    await takeQuotas(tx, { ...taker, postId: post.id }, hold);
    return { outcome: 'created', post };
  });
}

function replayOf(post: Post, requestHash: string): Accepted {
  return { outcome: post.requestHash === requestHash ? 'replayed' : 'key_reused', post };
}

/** Failed, cancelled and deleted posts are no duplicates, unless part of one is live. */
async function recentTwin(db: Db, accountId: string, fingerprint: string): Promise<Post | null> {
  const [post] = await db
    .select()
    .from(posts)
    .where(
      and(
        eq(posts.oauthAccountId, accountId),
        eq(posts.fingerprint, fingerprint),
        or(notInArray(posts.state, ['failed', 'cancelled']), isNotNull(posts.providerPostId)),
        isNull(posts.deletedAt),
        sql`${posts.createdAt} > now() - interval '24 hours'`,
      ),
    )
    .orderBy(desc(posts.createdAt))
    .limit(1);
  return post ?? null;
}
