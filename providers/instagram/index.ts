import type { Provider } from '../provider.ts';
import type { InstagramSettings } from './client.ts';
import { createOAuth } from './oauth.ts';
import { createPublishing, readLimits } from './publish.ts';
import { createWebhooks } from './webhooks.ts';

/** Instagram with Facebook Login (docs/providers/instagram.md says what we use of it). */
export function createInstagram(settings: InstagramSettings): Provider {
  return {
    name: 'instagram',
    oauth: createOAuth(settings),
    publishing: createPublishing(settings),
    webhooks: createWebhooks(settings),
    limits: ({ openId }, accessToken, signal) => readLimits(settings, openId, { accessToken, signal }),
  };
}
