import { ProviderError } from '../errors.ts';
import { callGraph } from '../meta/graph.ts';
import type { Deletion } from '../deletion.ts';
import type { Quota } from '../quotas.ts';
import { DAY } from '../../durations.ts';
import { THREADS, type ThreadsSettings } from './client.ts';

export const DELETIONS = {
  bucket: 'delete',
  limit: 100,
  windowMs: DAY,
  counts: 'accepted',
} as const satisfies Quota;
const SCOPE = 'threads_delete';

/** Deletes the account's own posts and replies (threads-facts 4.6 and 4.7). */
export function createDeletion({ graphUrl }: ThreadsSettings): Deletion {
  return {
    scope: SCOPE,
    quota: DELETIONS,
    async remove(providerPostId, { accessToken, signal }) {
      const call = { method: 'DELETE', path: `/${providerPostId}`, effect: 'write' } as const;
      try {
        await callGraph(THREADS, { base: `${graphUrl}/v1.0`, accessToken, signal, ...call });
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        // The account published it, so if it cannot be found, it is deleted (threads-facts 5, row 100/33).
        if (error.code !== 'object_not_found') throw inWordsOfADeletion(error);
      }
    },
  };
}

/** Rewords the catalogue's errors, which are about publishing. */
function inWordsOfADeletion(error: ProviderError): ProviderError {
  const { init, kind, providerCode } = error;
  switch (kind) {
    case 'grant':
    case 'account':
      return new ProviderError({
        ...init,
        message: `${SCOPE} is not granted`,
        userMessage: `The account has not granted the permission to delete (${SCOPE}). Reconnect it and allow every permission, then delete the post again.`,
      });
    case 'quota':
      // A rate limit of calls is not a limit of deletions.
      return init.quota === undefined ? error : new ProviderError({ ...init, quota: DELETIONS.bucket });
    case 'rejected':
      return new ProviderError({
        ...init,
        userMessage: `Threads refused to delete the post (${providerCode ?? 'no code'}). Delete it in the app.`,
      });
    default:
      return error;
  }
}
