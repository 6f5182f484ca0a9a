import { and, desc, eq, gt, inArray, isNotNull, isNull, ne, notInArray, or, sql } from 'drizzle-orm';
import { countEnd } from '../metrics/counters.ts';
import type { Plan } from '../plan.ts';
import type { Db } from './client.ts';
import { after, type Page } from './page.ts';
import { madeVisible, partlyLive } from './live.ts';
import { holdMedia } from './media-removal.ts';
import { findFullQuota, type QuotaFull, type QuotaRule, releaseUnused, takeQuotas } from './quotas.ts';
import {
  FINAL_STATES,
  isFinal,
  oauthAccounts,
  type PostError,
  type PostState,
  type PostWaiting,
  posts,
  publishAttempts,
  tiktokPosts,
} from './schema.ts';

export type Post = typeof posts.$inferSelect;

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
  allowDuplicate: boolean;
  /** Held for the post from now on: without them it is not taken in. */
  hold: readonly QuotaRule[];
  /** The provider's own record of the post, where it has a table. */
  detail: { table: 'tiktok_posts'; source: string; mode: string; title: string | null } | null;
}

export type Accepted =
  | { outcome: 'created' | 'replayed'; post: Post }
  /** The same key came with another body. */
  | { outcome: 'key_reused'; post: Post }
  /** The same account, media and text within 24 h. */
  | { outcome: 'duplicate'; post: Post }
  /** A file of the post was deleted meanwhile. */
  | { outcome: 'media_gone' }
  /** Nothing is left of a quota that was to be held. */
  | { outcome: 'quota'; full: QuotaFull };

/**
 * Takes a post in: the row and, with it, the intent to start its workflow are one commit. Exact under any number of
 * identical requests at once.
 */
export async function acceptPost(
  db: Db,
  { allowDuplicate, hold, detail, ...row }: NewPost,
): Promise<Accepted> {
  return db.transaction(async (tx): Promise<Accepted> => {
    // A key says which requests are the same.
    const unique = !allowDuplicate && row.idempotencyKey === null;
    if (unique)
      await tx.execute(
        sql`select pg_advisory_xact_lock(hashtextextended(${`${row.oauthAccountId}:${row.fingerprint}`}, 0))`,
      );
    const earlier = row.idempotencyKey === null ? null : await byKey(tx, row.userId, row.idempotencyKey);
    if (earlier !== null) return replayOf(earlier, row.requestHash);
    const twin = unique ? await recentTwin(tx, row.oauthAccountId, row.fingerprint) : null;
    if (twin !== null) return { outcome: 'duplicate', post: twin };

    if (!(await holdMedia(tx, row.userId, row.mediaId, row.request))) return { outcome: 'media_gone' };
    const taker = { accountId: row.oauthAccountId, postId: null };
    const full = hold.length === 0 ? null : await findFullQuota(tx, taker, hold);
    if (full !== null) {
      // Taken, it may be, by the same request, which came twice at once.
      const other = row.idempotencyKey === null ? null : await byKey(tx, row.userId, row.idempotencyKey);
      return other === null ? { outcome: 'quota', full } : replayOf(other, row.requestHash);
    }

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
      // Somebody else has just used the same key: their commit is what we waited for.
      const other = row.idempotencyKey === null ? null : await byKey(tx, row.userId, row.idempotencyKey);
      if (other === null) throw new Error('a post conflicted with none');
      return replayOf(other, row.requestHash);
    }
    if (detail !== null) {
      const { table: _table, ...columns } = detail;
      await tx.insert(tiktokPosts).values({ postId: post.id, userId: post.userId, ...columns });
    }
    await takeQuotas(tx, { ...taker, postId: post.id }, hold);
    return { outcome: 'created', post };
  });
}

function replayOf(post: Post, requestHash: string): Accepted {
  return { outcome: post.requestHash === requestHash ? 'replayed' : 'key_reused', post };
}

/** The post that an Idempotency-Key stands for. */
export async function byKey(db: Db, userId: string, key: string): Promise<Post | null> {
  const [post] = await db
    .select()
    .from(posts)
    .where(and(eq(posts.userId, userId), eq(posts.idempotencyKey, key)));
  return post ?? null;
}

/** Failed, cancelled and deleted posts are no duplicates, unless something of them is live. */
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

export async function findPost(db: Db, userId: string, id: string): Promise<Post | null> {
  const [post] = await db
    .select()
    .from(posts)
    .where(and(eq(posts.userId, userId), eq(posts.id, id)));
  return post ?? null;
}

export async function findPostByPublishId(
  db: Db,
  userId: string,
  provider: string,
  publishId: string,
): Promise<Post | null> {
  const post = await postByPublishId(db, provider, publishId);
  return post?.userId === userId ? post : null;
}

/** Any tenant's post, for workflows. @throws Error when there is none: posts are never deleted */
export async function postById(db: Db, id: string): Promise<Post> {
  const [post] = await db.select().from(posts).where(eq(posts.id, id));
  if (post === undefined) throw new Error(`no post ${id}`);
  return post;
}

/** Any tenant's post, for webhooks. */
export async function postByPublishId(db: Db, provider: string, publishId: string): Promise<Post | null> {
  const [post] = await db
    .select()
    .from(posts)
    .where(and(eq(posts.provider, provider), eq(posts.publishId, publishId)));
  return post ?? null;
}

/**
 * Gives a publish id that nobody knows to the one post of this person whose write lost its answer.
 * @returns null when there is none, or more than one that it may be
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
            // It was found by what is live, which knows no publish id; events come for 72 hours.
            and(eq(posts.state, 'published'), gt(posts.updatedAt, sql`now() - interval '72 hours'`)),
          ),
        ),
      )
      .for('update', { of: posts });
    const known = lost.filter((post) => providerPostId !== null && post.providerPostId === providerPostId);
    const fitting = lost.filter((post) => providerPostId === null || post.providerPostId === null);
    const [only, another] = known.length > 0 ? known : fitting;
    if (only === undefined || another !== undefined) return null;
    // A write whose answer is still under way may have made it, and then its answer will say so.
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
    await tx.update(tiktokPosts).set({ publishId }).where(eq(tiktokPosts.postId, only.id));
    const [adopted] = await tx
      .update(posts)
      .set({ publishId, ...changed })
      .where(eq(posts.id, only.id))
      .returning();
    return adopted ?? null;
  });
}

/** Newest first. */
export async function listPosts(db: Db, userId: string, page: Page): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(eq(posts.userId, userId), after(page, posts.createdAt, posts.id)))
    .orderBy(desc(posts.createdAt), desc(posts.id))
    .limit(page.limit + 1);
}

/** Posts that were accepted but whose workflow nobody has started. */
export async function unstartedPosts(db: Db, limit: number): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(isNull(posts.workflowStartedAt), notInArray(posts.state, [...FINAL_STATES])))
    .orderBy(posts.createdAt)
    .limit(limit);
}

export async function markPostStarted(db: Db, id: string): Promise<void> {
  await db
    .update(posts)
    .set({ workflowStartedAt: new Date() })
    .where(and(eq(posts.id, id), isNull(posts.workflowStartedAt)));
}

/** Posts that nobody has compared with their workflow for ten minutes, those of longest ago first. */
export async function uncheckedPosts(db: Db, limit: number): Promise<Post[]> {
  const checked = sql`coalesce(${posts.workflowCheckedAt}, ${posts.workflowStartedAt})`;
  return db
    .select()
    .from(posts)
    .where(and(isNull(posts.workflowEndedAt), sql`${checked} < now() - interval '10 minutes'`))
    .orderBy(checked)
    .limit(limit);
}

/** Notes that a post was compared with its workflow; `ended`: both have. */
export async function markPostChecked(db: Db, id: string, ended: boolean): Promise<void> {
  const now = new Date();
  await db
    .update(posts)
    .set({ workflowCheckedAt: now, ...(ended ? { workflowEndedAt: now } : {}), updatedAt: posts.updatedAt })
    .where(eq(posts.id, id));
}

/** The open posts of an account. */
export async function openPosts(db: Db, accountId: string): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(eq(posts.oauthAccountId, accountId), notInArray(posts.state, [...FINAL_STATES])));
}

/** What is being done with an open post. */
export interface Progress {
  state?: PostState;
  phase?: string | null;
  next?: { step: string; at: Date } | null;
  publishId?: string;
  sentBytes?: number | null;
  scheduledAt?: Date;
  deadlineAt?: Date;
  recalledAt?: Date;
  /** Why it waits. Another state or phase without it ends what was waited for. */
  waiting?: PostWaiting | null;
}

/** Every change of a row that clients can see. */
export const changed = { version: sql`${posts.version} + 1` };

/** Notes progress; a post that is final stays as it is. */
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
  if (columns.publishId !== undefined)
    await db.update(tiktokPosts).set({ publishId: columns.publishId }).where(eq(tiktokPosts.postId, id));
}

/** The end of a post. */
export interface Settlement {
  state: (typeof FINAL_STATES)[number];
  /** The provider's own word. */
  status?: string | null;
  providerPostId?: string | null;
  permalink?: string | null;
  error?: PostError | null;
}

/** From which states a post may move to a final one. What is proved to be live overrules what we believed. */
const MAY_BECOME: Readonly<Record<Settlement['state'], readonly PostState[]>> = {
  published: ['unknown', 'delivered', 'failed', 'cancelled'],
  delivered: ['unknown'],
  failed: ['unknown'],
  cancelled: [],
  unknown: [],
};

/**
 * Ends a post, or completes what is known about one that is published; whoever learns first may say it.
 * @returns the post as it is now
 */
export async function settlePost(db: Db, id: string, settlement: Settlement): Promise<Post> {
  const { was, now } = await db.transaction((tx) => settle(tx, id, settlement));
  // After the commit: what was rolled back has not happened.
  if (now.state !== was.state) countEnd(now, { first: !isFinal(was.state) });
  return now;
}

async function settle(tx: Db, id: string, settlement: Settlement): Promise<{ was: Post; now: Post }> {
  const [post] = await tx.select().from(posts).where(eq(posts.id, id)).for('update');
  if (post === undefined) throw new Error(`no post ${id}`);
  const final = isFinal(post.state);
  const end = final ? settlement : partlyLive(await madeVisible(tx, post), settlement);
  const completes =
    post.state === end.state &&
    end.state === 'published' &&
    end.providerPostId != null &&
    post.providerPostId === null;
  if (final && !completes && !MAY_BECOME[end.state].includes(post.state)) return { was: post, now: post };
  if (end.status != null) {
    await tx
      .update(tiktokPosts)
      .set({
        status: end.status,
        errorCode: end.error?.code ?? null,
        errorMessage: end.error?.message ?? null,
      })
      .where(eq(tiktokPosts.postId, id));
  }
  const [saved] = await tx
    .update(posts)
    .set({
      state: end.state,
      phase: null,
      waiting: null,
      nextStep: null,
      nextAt: null,
      ...(end.providerPostId == null ? {} : { providerPostId: end.providerPostId }),
      ...(end.permalink == null ? {} : { permalink: end.permalink }),
      error: end.error ?? null,
      errorCode: end.error?.code ?? null,
      errorMessage: end.error?.message ?? null,
      ...changed,
    })
    .where(eq(posts.id, id))
    .returning();
  await releaseUnused(tx, id);
  return { was: post, now: saved ?? post };
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

/** Moves a post to another time, if nothing of it was sent. @returns false when it is too late */
export async function rescheduleUnsent(
  db: Db,
  id: string,
  scheduledAt: Date,
  deadlineAt: Date,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [post] = await tx.select().from(posts).where(eq(posts.id, id)).for('update');
    if (post === undefined || isFinal(post.state)) return false;
    // `prepareAttempt` takes the same lock: a write is either noted before this, or will see the new time.
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
        deadlineAt,
        nextStep: 'publish',
        nextAt: scheduledAt,
        ...changed,
      })
      .where(eq(posts.id, id));
    return true;
  });
}
