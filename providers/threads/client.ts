import type { Platform } from '../meta/errors.ts';

/** What the Threads folder needs of the settings (config.ts has their source). */
export interface ThreadsSettings {
  appId: string;
  appSecret: string;
  redirectUri: string;
  webhookSecrets: readonly string[];
  verifyToken: string;
  authUrl: string;
  graphUrl: string;
}

export const THREADS: Platform = { provider: 'threads', title: 'Threads' };
