import type { Teller } from '../provider.ts';
import { about } from './about.ts';
import type { TikTokSettings } from './client.ts';
import { creatorInfo, type CreatorInfo } from './creator.ts';
import { createOAuth } from './oauth.ts';
import { createPublishing } from './publish.ts';
import { QUOTAS } from './quotas.ts';
import { tiktokPermissions } from './scopes.ts';
import { createWebhooks } from './webhooks.ts';

export interface TikTok extends Teller {
  readonly name: 'tiktok';
  readonly quotas: typeof QUOTAS;
  /** Whether TikTok has audited the app. */
  readonly audited: boolean;
  /** Fresh options for the publish form (tiktok-facts 4.2). @throws ProviderError */
  creatorInfo(accessToken: string, signal: AbortSignal): Promise<CreatorInfo>;
}

/** TikTok (docs/providers/tiktok.md says what we use of it). */
export function createTikTok(settings: TikTokSettings): TikTok {
  const permissions = tiktokPermissions(settings.scopes);
  return {
    name: 'tiktok',
    title: about.title,
    permissions,
    oauth: createOAuth(settings, permissions),
    publishing: createPublishing(settings),
    webhooks: createWebhooks(settings),
    quotas: QUOTAS,
    audited: settings.audited,
    creatorInfo: (accessToken, signal) => creatorInfo(settings, accessToken, signal),
  };
}
