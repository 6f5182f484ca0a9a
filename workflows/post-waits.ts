import { condition, setHandler } from '@temporalio/workflow';
import { reschedule } from './activity-options.ts';
import type { Cancellation } from './post-cancellation.ts';
import { tooLate, type PostProgress } from './post-progress.ts';
import { lookAgain, reschedulePost } from '../temporal/messages.ts';

/** The waits of one post: for its schedule, its account, a quota, a retry. */
export interface PostWaits {
  /** Waits this long, or until a message gives a reason to check again. */
  pause: (ms: number, summary: string) => Promise<void>;
  /** Clears the reasons so far: every later read takes them into account. */
  lookNow: () => void;
}

/** Registers the handlers of `lookAgain` and `reschedule`. */
export function handleWakeUps(post: PostProgress, cancellation: Cancellation): PostWaits {
  let woken = false;

  setHandler(lookAgain, () => {
    woken = true;
  });
  setHandler(
    reschedulePost,
    async ({ scheduledAt }) => {
      if (!(await reschedule({ postId: post.postId, scheduledAt }))) throw tooLate(post);
      woken = true;
      return { state: post.state };
    },
    {
      validator: (_to) => {
        if (post.settled !== null || post.position > 0 || cancellation.isAsked()) throw tooLate(post);
      },
    },
  );

  return {
    pause: async (ms, summary) => {
      await condition(() => woken || cancellation.isAsked() || post.settled !== null, ms, { summary });
    },
    lookNow: () => {
      woken = false;
    },
  };
}
