/* Example bodies for /docs and generated clients, by operation. Each is valid for its operation's schema. */

const ACCOUNT = '7a1f3c1e-8a52-4b39-9c3d-0d3a4c5b6e7f';
const MEDIA = '1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809';

/** Request bodies, by `operationId`. */
export const EXAMPLES: Readonly<Record<string, object>> = {
  createUser: { email: 'somebody@example.com' },
  changeUser: { displayName: 'Studio Nine' },
  createApiKey: { name: 'scheduler', scopes: ['posts:read', 'posts:write', 'media:write'] },
  createConnectLink: { provider: 'tiktok' },
  createMedia: { filename: 'video.mp4', contentType: 'video/mp4', size: 225_357 },
  publishToTikTok: {
    accountId: ACCOUNT,
    source: 'FILE_UPLOAD',
    mediaId: MEDIA,
    mode: 'direct',
    postInfo: { title: 'Hello', privacy_level: 'PUBLIC_TO_EVERYONE' },
  },
  publishToInstagram: {
    accountId: ACCOUNT,
    mediaType: 'REELS',
    mediaId: MEDIA,
    postInfo: { caption: 'Hello' },
  },
  publishToThreads: { accountId: ACCOUNT, mediaType: 'TEXT', postInfo: { text: 'Hello' } },
  reschedulePost: { scheduledAt: '2030-01-01T12:00:00Z' },
};
