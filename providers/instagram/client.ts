import { ProviderError } from '../errors.ts';
import type { Platform } from '../meta/errors.ts';
import type { GraphCall } from '../meta/graph.ts';
import type { MetaWebhookSettings } from '../meta/webhooks.ts';
import type { Permissions } from '../permissions.ts';
import type { OAuth, Subscription } from '../oauth.ts';

/** What the Instagram folder needs of the settings (settings.ts reads them). */
export interface InstagramSettings extends MetaWebhookSettings {
  /** A login without credentials is absent. */
  facebookLogin?: FacebookLoginSettings;
  instagramLogin?: InstagramLoginSettings;
}

export interface FacebookLoginSettings {
  appId: string;
  appSecret: string;
  redirectUri: string;
  dialogUrl: string;
  graphUrl: string;
  uploadUrl: string;
  /** What the consent asks for, where it is not the usual. */
  scopes?: readonly string[];
}

export interface InstagramLoginSettings {
  /** Of the Instagram app, which has an id and a secret of its own beside the Meta app's (instagram-facts 2.6 and 3.2). */
  appId: string;
  appSecret: string;
  redirectUri: string;
  authUrl: string;
  apiUrl: string;
  graphUrl: string;
  /** What the consent asks for, where it is not the usual. */
  scopes?: readonly string[];
}

/**
 * One of the two ways to connect an account, with what differs for good between accounts that were connected by it
 * (instagram-facts 3.1). Nothing else in this folder knows that there are two.
 */
export interface Login {
  method: string;
  permissions: Permissions;
  oauth: OAuth;
  /** What every call has: host and version, and the secret that signs it where calls are signed. */
  call: Pick<GraphCall, 'base' | 'appSecret'>;
  /** Where a single video of ours is sent; absent: Instagram fetches it. */
  uploadUrl?: string;
}

export const INSTAGRAM: Platform = { provider: 'instagram', title: 'Instagram' };

/** Pinned, because a call without a version gets whatever the app's dashboard says (instagram-facts 1.1). */
export const VERSION = 'v26.0';

/** How asking for webhooks has ended. The connection does not depend on it. */
export async function subscription(asked: Promise<unknown>): Promise<Subscription> {
  try {
    await asked;
    return { subscribed: true };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { subscribed: false, ...error.details };
  }
}
