import type { Teller } from '../provider.ts';
import { about } from './about.ts';
import type { ThreadsSettings } from './client.ts';
import { createDeletion } from './delete.ts';
import { createOAuth } from './oauth.ts';
import { createPublishing, kindsFor, readLimits } from './publish.ts';
import { threadsPermissions } from './scopes.ts';
import { createWebhooks } from './webhooks.ts';

/** Threads (docs/providers/threads.md says what we use of it). */
export function createThreads(settings: ThreadsSettings): Teller {
  const permissions = threadsPermissions(settings.scopes);
  return {
    name: 'threads',
    title: about.title,
    permissions,
    oauth: createOAuth(settings, permissions),
    publishing: createPublishing(settings),
    webhooks: createWebhooks(settings),
    deletion: createDeletion(settings),
    limits: ({ scopes }, accessToken, signal) =>
      readLimits(settings, { accessToken, signal }, kindsFor(scopes)),
  };
}
