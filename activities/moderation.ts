import { actionById, type CommentAction, hasEnded } from '../db/comment-actions.ts';
import { commentRows, findComment } from '../db/content/comments.ts';
import { subjectOf } from '../db/content/subject.ts';
import { POST_PATIENCE } from '../patience.ts';
import type { ActionSubject } from '../providers/reading.ts';
import type { ActionOutcome } from '../temporal/contract.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { carryOut, type Performance } from './moderation-send.ts';
import { ended, OVERDUE, RECONNECT, refusalOf } from './moderation-ends.ts';
import { sendReply } from './moderation-reply.ts';
import { openReader, type Reader } from './sync/reader.ts';

/** Moderates comments at providers. */
export const createModerationActivities = (deps: Deps) => ({
  /**
   * Takes one action as far as it goes now. @param renewed whether the token was just renewed: if it is refused, it is
   * not renewed again
   */
  performAction: ({ actionId, renewed }: { actionId: string; renewed: boolean }): Promise<ActionOutcome> =>
    alive(async (signal) => {
      const action = await actionById(deps.db, actionId);
      if (action === null) return { kind: 'ended', state: 'deleted with the data of its account' };
      if (hasEnded(action)) return { kind: 'ended', state: action.state };
      if (action.createdAt.getTime() < Date.now() - POST_PATIENCE) return ended(deps, action, OVERDUE);
      const reader = await openReader(deps, action.oauthAccountId, signal);
      if (reader === null) return ended(deps, action, RECONNECT);
      if ('tokenRefused' in reader)
        return renewed
          ? ended(deps, action, RECONNECT)
          : { kind: 'token_refused', tokenVersion: reader.tokenRefused };
      return perform(deps, action, reader, renewed);
    }),
});

async function perform(
  deps: Deps,
  action: CommentAction,
  reader: Reader,
  renewed: boolean,
): Promise<ActionOutcome> {
  const { moderation } = reader.reading;
  const comment = await findComment(deps.db, action.userId, action.subject);
  const row = comment === null ? undefined : (await commentRows(deps.db, [comment])).get(comment.id);
  if (moderation === undefined || comment === null || row === undefined)
    return ended(deps, action, refusalOf('comment_gone', 'there is no copy of the comment any more', GONE));
  const subject: ActionSubject = subjectOf(comment, row);
  const performance: Performance = { action, reader, moderation, subject, comment, row, renewed };
  // Only a reply that is sent twice shows twice.
  return action.kind === 'reply' ? sendReply(deps, performance) : carryOut(deps, performance);
}

const GONE = 'This comment no longer exists.';
