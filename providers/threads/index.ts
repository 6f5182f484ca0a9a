import type { Platform } from '../platform.ts';
import type { Teller } from '../provider.ts';
import { about } from './about.ts';
import { requests } from './body.ts';
import type { ThreadsSettings } from './client.ts';
import { createDeletion } from './delete.ts';
import { createOAuth } from './oauth.ts';
import { createPublishing, kindsFor, readLimits } from './publish.ts';
import { createReading } from './reading.ts';
import { threadsPermissions } from './scopes.ts';
import { settings } from './settings.ts';
import { createWebhooks } from './webhooks.ts';

/** Threads (docs/providers/threads.md). */
export const threads: Platform<ThreadsSettings> = {
  about,
  settings,
  requests,
  create: (app) => [createThreads(app)],
};

/** The provider for the operator's app. */
export function createThreads(app: ThreadsSettings): Teller {
  const permissions = threadsPermissions(app.scopes);
  return {
    name: 'threads',
    title: about.title,
    permissions,
    oauth: createOAuth(app, permissions),
    publishing: createPublishing(app),
    webhooks: createWebhooks(app),
    deletion: createDeletion(app),
    reading: createReading(app),
    limits: ({ scopes }, accessToken, signal) => readLimits(app, { accessToken, signal }, kindsFor(scopes)),
  };
}
