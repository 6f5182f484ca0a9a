import type { Platform } from '../meta/errors.ts';

/** What the Instagram folder needs of the settings (config.ts has their source). */
export interface InstagramSettings {
  appId: string;
  appSecret: string;
  redirectUri: string;
  webhookSecrets: readonly string[];
  verifyToken: string;
  dialogUrl: string;
  graphUrl: string;
  uploadUrl: string;
}

export const INSTAGRAM: Platform = { provider: 'instagram', title: 'Instagram' };

/** Pinned, because a call without a version gets whatever the app's dashboard says (sheet instagram section 1). */
export const VERSION = 'v26.0';
