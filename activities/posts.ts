import { madeVisible } from '../db/live.ts';
import { rescheduleUnsent, savePost } from '../db/post-progress.ts';
import { saveSettlement } from '../db/settlements.ts';
import { isFinal } from '../db/schema.ts';
import type { Ending } from '../temporal/contract.ts';
import { loadPost, mayBeSeen } from './loaded-post.ts';
import type { Deps } from './deps.ts';
import { hasArrived } from './transfer.ts';

/** The workflow's own decisions about a post. */
export const createPostActivities = (deps: Deps) => ({
  /** Ends a post that has no call in progress. `unknown` becomes `failed` if no write can have become visible. */
  async settlePost({
    postId,
    state,
    why,
  }: {
    postId: string;
    state: 'cancelled' | 'unknown';
    why?: string;
  }): Promise<Ending> {
    const { db } = deps;
    const loaded = await loadPost(deps, postId);
    const { post } = loaded;
    if (isFinal(post.state)) return { state: post.state };
    if (state === 'cancelled' && (await madeVisible(db, post)).some(({ unclear }) => unclear))
      return { state: post.state, unclear: true };
    const arrived = state === 'cancelled' ? await hasArrived(deps, loaded) : null;
    if (arrived === true) {
      await savePost(db, postId, { state: 'processing', phase: null });
      return { state: 'processing', sent: true };
    }
    if (arrived === false) return { state: (await saveSettlement(db, postId, { state: 'cancelled' })).state };
    if (state === 'cancelled' && loaded.account.status === 'active')
      return { state: post.state, unclear: true };
    const seen = mayBeSeen(loaded);
    const settled = await saveSettlement(db, postId, {
      state: seen ? 'unknown' : 'failed',
      error: {
        code: seen ? 'outcome_unknown' : 'given_up',
        message: why ?? 'the provider did not decide within a day',
        userMessage: seen
          ? 'Everpost could not determine whether the post is live. Check the account before you post again.'
          : 'Everpost could not send the post and stopped trying. Nothing was published. Try again.',
        retryable: !seen,
        details: { provider: post.provider },
      },
    });
    return { state: settled.state };
  },

  /** Moves a post to another time. @returns false if it is too late */
  async reschedule({ postId, scheduledAt }: { postId: string; scheduledAt: string }): Promise<boolean> {
    return rescheduleUnsent(deps.db, postId, new Date(scheduledAt));
  },
});
