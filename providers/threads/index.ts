import type { Provider } from '../provider.ts';
import type { ThreadsSettings } from './client.ts';
import { createOAuth } from './oauth.ts';
import { createPublishing, readLimits } from './publish.ts';
import { createWebhooks } from './webhooks.ts';

/** Threads (docs/providers/threads.md says what we use of it). */
export function createThreads(settings: ThreadsSettings): Provider {
  return {
    name: 'threads',
    oauth: createOAuth(settings),
    publishing: createPublishing(settings),
    webhooks: createWebhooks(settings),
    limits: ({ scopes }, accessToken, signal) =>
      readLimits(
        settings,
        { accessToken, signal },
        scopes.includes('threads_manage_replies') ? ['post', 'reply'] : ['post'],
      ),
  };
}
