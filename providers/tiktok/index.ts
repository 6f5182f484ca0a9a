import type { Platform } from '../platform.ts';
import type { Provider, Teller } from '../provider.ts';
import { about } from './about.ts';
import { requests } from './body.ts';
import type { TikTokSettings } from './client.ts';
import { creatorInfo, type CreatorInfo } from './creator.ts';
import { createOAuth } from './oauth.ts';
import { createPublishing } from './publish.ts';
import { QUOTAS } from './quotas.ts';
import { tiktokPermissions } from './scopes.ts';
import { createReading } from './reading.ts';
import { settings } from './settings.ts';
import { createWebhooks } from './webhooks.ts';

export interface TikTok extends Teller {
  readonly name: 'tiktok';
  readonly quotas: typeof QUOTAS;
  /** Fresh options for the publish form (tiktok-facts 4.2). @throws ProviderError */
  creatorInfo(accessToken: string, signal: AbortSignal): Promise<CreatorInfo>;
}

/** TikTok (docs/providers/tiktok.md). */
export const tiktok: Platform<TikTokSettings> = {
  about,
  settings,
  requests,
  create: (app) => [createTikTok(app)],
};

/** TikTok, if it is set up. */
export function findTikTok(providers: readonly Provider[]): TikTok | null {
  return providers.find((provider): provider is TikTok => provider.name === 'tiktok') ?? null;
}

/** The provider for the operator's app. */
export function createTikTok(app: TikTokSettings): TikTok {
  const permissions = tiktokPermissions(app.scopes);
  return {
    name: 'tiktok',
    title: about.title,
    permissions,
    oauth: createOAuth(app, permissions),
    publishing: createPublishing(app),
    webhooks: createWebhooks(app),
    reading: createReading(app),
    quotas: QUOTAS,
    creatorInfo: (accessToken, signal) => creatorInfo(app, accessToken, signal),
  };
}
