import { findLiveWrite } from '../db/attempts.ts';
import { postById, rescheduleUnsent, settlePost } from '../db/posts.ts';
import { isFinal } from '../db/schema.ts';
import type { Deps } from './deps.ts';

const DAY_MS = 24 * 3_600_000;
/** How long a post may wait for quota, account or provider after it was due. */
const DEADLINE_MS = 3 * DAY_MS;

/** What the workflow itself decides about a post. */
export const createPostActivities = ({ db }: Deps) => ({
  /** Ends a post that nothing is under way for. `unknown` turns into `failed` where no write can have been seen. */
  async settlePost({
    postId,
    state,
    why,
  }: {
    postId: string;
    state: 'cancelled' | 'unknown';
    why?: string;
  }): Promise<{ state: string }> {
    const post = await postById(db, postId);
    if (isFinal(post.state)) return { state: post.state };
    if (state === 'cancelled') return settlePost(db, postId, { state });
    const seen = await findLiveWrite(db, postId);
    return settlePost(db, postId, {
      state: seen ? 'unknown' : 'failed',
      error: {
        code: seen ? 'outcome_unknown' : 'given_up',
        message: why ?? 'the provider did not decide within a day',
        userMessage: seen
          ? 'It could not be found out whether the post is live. Look at the account before you post again.'
          : 'The post could not be sent and was given up. Nothing was published. Try again.',
        retryable: !seen,
        details: { provider: post.provider },
      },
    });
  },

  /** Moves a post to another time. @returns false when it is too late */
  async reschedule({ postId, scheduledAt }: { postId: string; scheduledAt: string }): Promise<boolean> {
    const at = new Date(scheduledAt);
    return rescheduleUnsent(db, postId, at, new Date(at.getTime() + DEADLINE_MS));
  },
});
