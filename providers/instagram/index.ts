import type { Platform } from '../platform.ts';
import type { Teller } from '../provider.ts';
import { about } from './about.ts';
import { requests } from './body.ts';
import type { InstagramSettings } from './client.ts';
import { createFacebookLogin } from './facebook-login.ts';
import { createInstagramLogin } from './instagram-login.ts';
import { createPublishing, readLimits } from './publish.ts';
import { createReading } from './reading.ts';
import { settings } from './settings.ts';
import { createWebhooks } from './webhooks.ts';

/** Instagram (docs/providers/instagram.md). */
export const instagram: Platform<InstagramSettings> = { about, settings, requests, create: createInstagram };

/** One provider for each configured login, the usual one first. */
export function createInstagram(app: InstagramSettings): Teller[] {
  const { facebookLogin, instagramLogin } = app;
  // Both send their webhooks to the same URL.
  const webhooks = createWebhooks(app);
  return [
    ...(facebookLogin === undefined ? [] : [createFacebookLogin(facebookLogin)]),
    ...(instagramLogin === undefined ? [] : [createInstagramLogin(instagramLogin)]),
  ].map((login) => ({
    name: 'instagram',
    title: about.title,
    method: login.method,
    permissions: login.permissions,
    oauth: login.oauth,
    publishing: createPublishing(login),
    webhooks,
    reading: createReading(login),
    limits: ({ openId }, accessToken, signal) => readLimits(login, openId, { accessToken, signal }),
  }));
}
