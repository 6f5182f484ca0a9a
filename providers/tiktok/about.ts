import type { About } from '../about.ts';
import { ERROR_CODES, FAIL_REASONS } from './errors.ts';

export const about: About = {
  title: 'TikTok',
  publishPath: '/api/tiktok/upload',
  tellsLimits: false,
  example: (mediaId) => ({
    source: 'FILE_UPLOAD',
    mediaId,
    mode: 'direct',
    postInfo: { title: 'Hello', privacy_level: 'PUBLIC_TO_EVERYONE' },
  }),
  errorCodes: {
    head: ['code'],
    rows: Object.entries(ERROR_CODES).map(([code, meaning]) => ({ names: [code], meaning })),
  },
  failReasons: FAIL_REASONS,
};
