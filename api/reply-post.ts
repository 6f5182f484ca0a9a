import { acceptAction, type AcceptedAction, type NewAction } from '../db/comment-actions.ts';
import type { Db } from '../db/client.ts';
import { subjectOf } from '../db/content/subject.ts';
import { acceptPost } from '../db/new-posts.ts';
import type { Post } from '../db/posts.ts';
import { carryByPost, keyOfReply } from '../db/sync/reply-posts.ts';
import { platformOf } from '../providers/index.ts';
import type { AskAccount } from './account-checks.ts';
import type { WholeComment } from './comment-view.ts';
import type { Deps } from './deps.ts';
import type { DraftPost } from './new-post.ts';
import { readPost } from './read-post.ts';

/* Replies that are ordinary posts, by the same code as the route that publishes. */

/** The post that is to carry a reply; null: the provider's moderation sends replies itself. */
export async function draftReply(
  deps: Deps,
  askAccount: AskAccount,
  { account, comment, row }: WholeComment,
  text: string,
): Promise<DraftPost | null> {
  const moderation = deps.providers.find(account.provider, account.method)?.reading?.moderation;
  const requests = platformOf(account.provider)?.requests;
  if (moderation?.replyPost === undefined || requests === undefined) return null;
  const body = { ...moderation.replyPost(subjectOf(comment, row), text), accountId: account.id };
  return readPost(deps, askAccount, { name: account.provider, requests }, account.userId, body);
}

/** Records the action and its post in one commit. @returns the post, if it is new */
export async function saveReply(
  db: Db,
  action: NewAction,
  draft: DraftPost,
): Promise<AcceptedAction & { post: Post | null }> {
  return db.transaction(async (tx) => {
    const recorded = await acceptAction(tx, action);
    if (recorded.outcome !== 'created') return { ...recorded, post: null };
    const { id } = recorded.action;
    const { userId, requestHash, requestId } = action;
    const accepted = await acceptPost(tx, {
      ...draft,
      userId,
      requestId,
      idempotencyKey: keyOfReply(id),
      requestHash,
    });
    if (accepted.outcome !== 'created') throw new Error(`the post of an action is ${accepted.outcome}`);
    const { post } = accepted;
    return { outcome: 'created', action: await carryByPost(tx, id, post.id), post };
  });
}
