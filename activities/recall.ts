import { savePost } from '../db/post-progress.ts';
import { ProviderError } from '../providers/errors.ts';
import { openPost } from './open-post.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { tryAgain } from './failures.ts';
import { loadPost } from './loaded-post.ts';

/** Cancels posts that the provider has not finished. */
export const createRecallActivities = (deps: Deps) => ({
  /** @returns whether the provider dropped the post; false: too late, or the provider has no such call */
  recallPost: ({ postId }: { postId: string }): Promise<boolean> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      const access = await openPost(deps, loaded, signal, 'processing');
      if ('blocked' in access) return false;
      // Before the call, because its webhook may arrive before its answer.
      await savePost(deps.db, postId, { recalledAt: new Date() });
      try {
        return (await loaded.publishing.recall?.(access.context)) ?? false;
      } catch (error) {
        throw error instanceof ProviderError ? tryAgain(error) : error;
      }
    }),
});
