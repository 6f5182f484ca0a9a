import type { Platform } from '../meta/errors.ts';
import type { MetaWebhookSettings } from '../meta/webhooks.ts';

/** The settings that the Threads folder needs (settings.ts reads them). */
export interface ThreadsSettings extends MetaWebhookSettings {
  appId: string;
  appSecret: string;
  redirectUri: string;
  authUrl: string;
  graphUrl: string;
  /** The scopes that the consent asks for; absent: the default. */
  scopes?: readonly string[];
}

export const THREADS: Platform = { provider: 'threads', title: 'Threads' };
