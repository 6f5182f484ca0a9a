import type { Platform } from '../meta/errors.ts';
import type { MetaWebhookSettings } from '../meta/webhooks.ts';

/** What the Threads folder needs of the settings (settings.ts reads them). */
export interface ThreadsSettings extends MetaWebhookSettings {
  appId: string;
  appSecret: string;
  redirectUri: string;
  authUrl: string;
  graphUrl: string;
  /** What the consent asks for, where it is not the usual. */
  scopes?: readonly string[];
}

export const THREADS: Platform = { provider: 'threads', title: 'Threads' };
