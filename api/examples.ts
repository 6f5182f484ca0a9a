import type { About } from '../providers/about.ts';
import { PLATFORMS } from '../providers/index.ts';
import { PROVIDER_NAMES } from '../providers/provider.ts';

/* Example bodies for /docs and generated clients, by operation. Each is valid for its operation's schema. */

const ACCOUNT = '7a1f3c1e-8a52-4b39-9c3d-0d3a4c5b6e7f';
const MEDIA = '1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809';

/** The `operationId` of a provider's publish route. */
export const publishOperation = ({ title }: About): string => `publishTo${title}`;

/** Request bodies, by `operationId`. */
export const EXAMPLES: Readonly<Record<string, object>> = {
  createUser: { email: 'somebody@example.com' },
  changeUser: { displayName: 'Studio Nine' },
  createApiKey: { name: 'scheduler', scopes: ['posts:read', 'posts:write', 'media:write'] },
  createConnectLink: { provider: PROVIDER_NAMES[0] },
  startSync: { streams: ['media', 'comments'], mode: 'incremental' },
  replyComment: { text: 'Thank you! The recipe is in the link in our profile.' },
  createMedia: { filename: 'video.mp4', contentType: 'video/mp4', size: 225_357 },
  ...Object.fromEntries(
    Object.values(PLATFORMS).map(({ about }) => [
      publishOperation(about),
      { accountId: ACCOUNT, ...about.example(MEDIA) },
    ]),
  ),
  reschedulePost: { scheduledAt: '2030-01-01T12:00:00Z' },
};
