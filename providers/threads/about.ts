import type { About } from '../about.ts';
import { ERROR_TABLE } from '../meta/error-table.ts';

export const about: About = {
  title: 'Threads',
  tellsLimits: true,
  example: () => ({ mediaType: 'TEXT', postInfo: { text: 'Hello' } }),
  errorCodes: ERROR_TABLE,
};
