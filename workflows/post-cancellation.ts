import { ActivityFailure, condition, setHandler } from '@temporalio/workflow';
import { isRecallable } from '../plan.ts';
import { recallPost, settlePost } from './activity-options.ts';
import { tooLate, type PostProgress } from './post-progress.ts';
import type { PostWork } from './post-work.ts';
import { cancelPost } from '../temporal/messages.ts';

/*
 * Cancels a post. The handler of `cancel` only asks: it stops the work in progress, and waits. The loop of publishPost
 * ends the post before its next step, because only between two steps is it certain what the provider has. Past the
 * point of no return the loop continues, and the handler can only recall the post, if the provider allows it.
 */

export interface Cancellation {
  /** Whether a client is waiting for a cancellation. */
  isAsked: () => boolean;
  /** Whether a client is waiting for it and the next step can still be prevented. */
  isDue: () => boolean;
  /**
   * Ends the post instead of performing its next step. @returns false if the post may be live: the next step looks for
   * it
   */
  carryOut: () => Promise<boolean>;
}

/** Registers the handler of `cancel`. */
export function handleCancel(post: PostProgress, work: PostWork): Cancellation {
  const { postId } = post;
  const recallable = isRecallable(post.plan);
  let asked = false;

  setHandler(
    cancelPost,
    async () => {
      asked = true;
      // Never interrupt a write: its outcome would be unknown.
      if (!post.pastNoReturn() && !work.isWriting()) work.stop();
      await condition(() => post.settled !== null || post.pastNoReturn() || !asked);
      if (post.settled === null && recallable) await recall();
      asked = false;
      if (post.settled !== 'cancelled') throw tooLate(post);
      return { state: post.settled };
    },
    {
      validator: () => {
        if (post.settled !== null || (post.pastNoReturn() && !recallable)) throw tooLate(post);
      },
    },
  );

  async function recall(): Promise<void> {
    try {
      if (!(await recallPost({ postId }))) return;
    } catch (error) {
      // The provider did not answer in time: the post continues.
      if (error instanceof ActivityFailure) return;
      throw error;
    }
    post.settled = (await settlePost({ postId, state: 'cancelled' })).state;
    work.stop();
  }

  async function carryOut(): Promise<boolean> {
    const end = await settlePost({ postId, state: 'cancelled' });
    if (end.sent === true) {
      post.state = end.state;
      post.passNoReturn();
      return true;
    }
    if (end.unclear === true) {
      post.state = end.state;
      asked = false;
      return false;
    }
    post.settled = end.state;
    return true;
  }

  return { isAsked: () => asked, isDue: () => asked && !post.pastNoReturn(), carryOut };
}
