import { eq } from 'drizzle-orm';
import { countEnd } from '../metrics/counters.ts';
import { partlyPublished } from '../partly-published.ts';
import type { Db } from './client.ts';
import { madeVisible, type VisiblePart } from './live.ts';
import { errorColumns } from './post-errors.ts';
import { changed, type Post, postById } from './posts.ts';
import { releaseUnused } from './quotas.ts';
import { tablesOf } from './registry.ts';
import { type FINAL_STATES, isFinal, type PostError, type PostState, posts } from './schema.ts';
import { linkPublished } from './sync/link-posts.ts';
import { endReplyOf } from './sync/reply-posts.ts';
import { takeTurn } from './sync/turn.ts';

/** The end of a post. */
export interface Settlement {
  state: (typeof FINAL_STATES)[number];
  /** The provider's own status. */
  status?: string | null;
  providerPostId?: string | null;
  permalink?: string | null;
  error?: PostError | null;
}

/** The states from which a post may move to a final one. Proof that it is live overrules our earlier belief. */
const MAY_BECOME: Readonly<Record<Settlement['state'], readonly PostState[]>> = {
  published: ['unknown', 'delivered', 'failed', 'cancelled'],
  delivered: ['unknown'],
  failed: ['unknown'],
  cancelled: [],
  unknown: [],
};

/**
 * Ends a post, or completes the data of a published one. Several callers may learn of the end; the first one settles
 * it.
 * @returns the post as it is now
 */
export async function saveSettlement(db: Db, id: string, settlement: Settlement): Promise<Post> {
  const { was, now } = await db.transaction((tx) => settle(tx, id, settlement));
  // After the commit, because a rolled back change must not be counted.
  if (now.state !== was.state) countEnd(now, { first: !isFinal(was.state) });
  return now;
}

async function settle(tx: Db, id: string, settlement: Settlement): Promise<{ was: Post; now: Post }> {
  // The turn before every lock, like all writers of an account's copies.
  await takeTurn(tx, (await postById(tx, id)).oauthAccountId);
  const [post] = await tx.select().from(posts).where(eq(posts.id, id)).for('no key update');
  if (post === undefined) throw new Error(`no post ${id}`);
  const final = isFinal(post.state);
  const end = final ? settlement : partlyLive(await madeVisible(tx, post), settlement);
  const completes =
    post.state === end.state &&
    end.state === 'published' &&
    end.providerPostId != null &&
    post.providerPostId === null;
  if (final && !completes && !MAY_BECOME[end.state].includes(post.state)) return { was: post, now: post };
  const { status, error = null } = end;
  if (status != null) await tablesOf(post.provider).onSettled?.(tx, id, { status, error });
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
      error,
      ...errorColumns(error),
      ...changed,
    })
    .where(eq(posts.id, id))
    .returning();
  // A published or delivered post has used its quotas.
  if (end.state !== 'published' && end.state !== 'delivered') await releaseUnused(tx, id);
  if (end.providerPostId != null) await linkPublished(tx, post, [end.providerPostId]);
  await endReplyOf(tx, saved ?? post);
  return { was: post, now: saved ?? post };
}

/**
 * The true end of a post with live parts. If only some are live, it did not fail like a post that left nothing behind.
 * If all are live, it is published, whatever else is unknown about it.
 */
function partlyLive(parts: readonly VisiblePart[], end: Settlement): Settlement {
  const live = parts.filter((part) => part.live);
  const [root] = live;
  if (root === undefined || end.state === 'published' || end.state === 'delivered') return end;
  const { providerPostId } = root;
  if (live.length === parts.length) return { state: 'published', providerPostId };
  const state = parts.some((part) => part.unclear) ? 'unknown' : 'failed';
  const error = partlyPublished(parts, { state: end.state, error: end.error ?? null });
  return { state, providerPostId, error };
}
