import type { About } from '../about.ts';
import { ERROR_TABLE } from '../meta/error-table.ts';

export const about: About = {
  title: 'Instagram',
  methods: ['facebook_login', 'instagram_login'],
  tellsLimits: true,
  example: (mediaId) => ({ mediaType: 'REELS', mediaId, postInfo: { caption: 'Hello' } }),
  errorCodes: ERROR_TABLE,
};
