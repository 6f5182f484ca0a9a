import { and, eq } from 'drizzle-orm';
import { accountById } from '../accounts.ts';
import type { CommentAction } from '../comment-actions.ts';
import type { Db } from '../client.ts';
import { commentRows, findComment } from '../content/comments.ts';
import type { Post } from '../posts.ts';
import { tablesOf } from '../registry.ts';
import { commentActions } from '../schema.ts';
import { databaseClock } from '../time.ts';
import { recordEffect } from './moderated.ts';

/* Replies that are ordinary posts: the action follows its post. */

const PREFIX = 'comment-action:';

/** The Idempotency-Key of the post that carries a reply. */
export const keyOfReply = (actionId: string): string => `${PREFIX}${actionId}`;

/** Ends the action whose reply a post carries, in the transaction that ends the post. Its last statement. */
export async function endReplyOf(tx: Db, post: Post): Promise<void> {
  // Of other posts nothing is asked: they are many.
  if (post.idempotencyKey?.startsWith(PREFIX) !== true) return;
  const [action] = await tx
    .update(commentActions)
    .set(endOf(post))
    .where(and(eq(commentActions.userId, post.userId), eq(commentActions.postId, post.id)))
    .returning();
  if (action === undefined || action.state !== 'done' || action.providerRef === null) return;
  const account = await accountById(tx, post.oauthAccountId);
  const comment = await findComment(tx, post.userId, action.subject);
  const { copies } = tablesOf(post.provider);
  if (account === null || comment === null || copies === undefined) return;
  const row = (await commentRows(tx, [comment])).get(comment.id) ?? {};
  const { id, kind, text, providerRef } = action;
  const readAt = await databaseClock(tx);
  await recordEffect(tx, { account, copies, comment, row }, { id, kind, text, providerRef, readAt });
}

function endOf({ state, providerPostId, error }: Post) {
  if (state === 'published' || state === 'delivered')
    return { state: 'done', providerRef: providerPostId, error: null } as const;
  return { state: state === 'unknown' ? 'unknown' : 'failed', error: error ?? CANCELLED } as const;
}

const CANCELLED = {
  code: 'post_ended',
  message: 'the post that carries the reply has ended; GET /api/posts/{postId} has its state',
  userMessage: 'The reply was not published. Write it again, if it is still wanted.',
  retryable: false,
  details: {},
};

/** Records the post that carries a reply. */
export async function carryByPost(tx: Db, actionId: string, postId: string): Promise<CommentAction> {
  const [action] = await tx
    .update(commentActions)
    .set({ postId })
    .where(eq(commentActions.id, actionId))
    .returning();
  if (action === undefined) throw new Error(`no action ${actionId}`);
  return action;
}
