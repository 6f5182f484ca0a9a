import type { DrivenWay } from '../../drivers/index.ts';
import { listOf } from '../../drivers/sandbox.ts';
import type { WorldOptions } from '../../world.ts';
import { createMosaicFake } from './fake.ts';
import { CREATE_MOSAIC_ITEMS } from './tables.ts';

/** A world whose processes know Mosaic too. */
export const double: NonNullable<WorldOptions['double']> = (url) => {
  const app = {
    clientId: 'mosaic-app',
    clientSecret: 'the-secret-of-the-app-at-mosaic',
    redirectUri: `${url}/api/auth/mosaic/callback`,
  };
  return {
    fake: (core) => createMosaicFake(core, app),
    tables: CREATE_MOSAIC_ITEMS,
    settingsFor: (sandboxUrl) => ({
      // The product's own command, with one more platform in the registry of its process.
      NODE_OPTIONS: `--import=${new URL('../register.ts', import.meta.url).href}`,
      MOSAIC_CLIENT_ID: app.clientId,
      MOSAIC_CLIENT_SECRET: app.clientSecret,
      MOSAIC_REDIRECT_URI: app.redirectUri,
      MOSAIC_URL: `${sandboxUrl}/mosaic`,
    }),
  };
};

export const mosaic: DrivenWay = {
  provider: 'mosaic',
  title: 'Mosaic',
  publishPath: '/api/mosaic/publish',
  addCreator: (sandbox, { username }) => sandbox.control('POST', '/mosaic/people', { username }),
  made: (sandbox) => listOf(sandbox, '/mosaic/made'),
  removeApp: (sandbox, { username }) => sandbox.control('POST', '/mosaic/remove-app', { username }),
  batches: false,

  label: 'mosaic',
  method: null,
  incomplete: { scopes: ['profile'], missing: ['pair.write'] },
  examples: async ({ imageId, videoId }) => ({
    'a pair': { body: { format: 'PAIR', mediaIds: [imageId, videoId], text: 'two' }, events: 44 },
  }),
  endpoints: {
    writes: { 'mosaic.place': 2, 'mosaic.post': 1 },
    others: ['mosaic.part'],
    refresh: null,
    revoke: 'mosaic.revoke',
  },
  allow: (sandbox, { username }, posts) =>
    sandbox.control('POST', '/mosaic/people', { username, cap: posts === 'one' ? 1 : 1000 }),
  tokenRefusal: { http: 401, code: 'token' },
  spoilToken: (sandbox, { openId }) => sandbox.control('POST', '/mosaic/expire-tokens', { openId }),
  revives: false,
  tellsOfNothing: true,
  lostRefresh: 'active',
};
