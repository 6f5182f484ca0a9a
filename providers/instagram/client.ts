import { ProviderError } from '../errors.ts';
import type { Platform } from '../meta/errors.ts';
import type { GraphCall } from '../meta/graph.ts';
import type { MetaWebhookSettings } from '../meta/webhooks.ts';
import type { Permissions } from '../permissions.ts';
import type { OAuth, Subscription } from '../oauth.ts';

/** The settings that the Instagram folder needs (settings.ts reads them). */
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
  /** The scopes that the consent asks for; absent: the default. */
  scopes?: readonly string[];
}

export interface InstagramLoginSettings {
  /** The Instagram app's own id and secret, which differ from the Meta app's (instagram-facts 2.6 and 3.2). */
  appId: string;
  appSecret: string;
  redirectUri: string;
  authUrl: string;
  apiUrl: string;
  graphUrl: string;
  /** The scopes that the consent asks for; absent: the default. */
  scopes?: readonly string[];
}

/**
 * One of the two ways to connect an account, with the permanent differences between accounts connected either way
 * (instagram-facts 3.1). Nothing else in this folder knows that there are two.
 */
export interface Login {
  method: string;
  permissions: Permissions;
  oauth: OAuth;
  /** Part of every call: host and version, and the secret that signs calls, if this host verifies signatures. */
  call: Pick<GraphCall, 'base' | 'appSecret'>;
  /** Upload URL for a single video of ours; absent: Instagram fetches it. */
  uploadUrl?: string;
  tells: Tells;
}

/** What accounts of this login tell beside what all accounts tell (instagram-facts 3.1 and 12). */
export interface Tells {
  readonly profileFields: readonly string[];
  readonly mediaFields: readonly string[];
  readonly storyMetrics: readonly string[];
  /** The scope for liking comments; null: it cannot be done. */
  readonly likes: string | null;
}

export const INSTAGRAM: Platform = { provider: 'instagram', title: 'Instagram' };

/** Pinned, because the app's dashboard decides the version of a call without one (instagram-facts 1.1 and 12.1). */
export const VERSION = 'v27.0';

/** The result of subscribing to webhooks. A failure does not break the connection. */
export async function subscription(asked: Promise<unknown>): Promise<Subscription> {
  try {
    await asked;
    return { subscribed: true };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { subscribed: false, ...error.details };
  }
}
