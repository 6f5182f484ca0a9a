import { Type } from 'typebox';
import { metaArguments, metaReceived } from './meta.ts';
import type { SandboxedProvider } from './provider.ts';

export const instagram = {
  name: 'instagram',
  title: 'Instagram',
  credentials: ['NEXT_PUBLIC_INSTAGRAM_APP_ID', 'INSTAGRAM_APP_ID', 'INSTAGRAM_APP_SECRET'],
  settings: /^((NEXT_PUBLIC_)?INSTAGRAM_|FACEBOOK_(DIALOG|GRAPH)_URL$)/,
  sandboxArguments: (app) => metaArguments('instagram', app),
  settingsFor: (app, sandboxUrl) => ({
    NEXT_PUBLIC_INSTAGRAM_APP_ID: app.clientKey,
    INSTAGRAM_APP_SECRET: app.clientSecret,
    NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI: app.redirectUri,
    META_VERIFY_TOKEN: app.verifyToken,
    FACEBOOK_DIALOG_URL: `${sandboxUrl}/facebook`,
    FACEBOOK_GRAPH_URL: `${sandboxUrl}/graph`,
    INSTAGRAM_UPLOAD_URL: `${sandboxUrl}/rupload`,
  }),
  /** A Facebook user who manages a page, which a professional account is linked to. */
  async addCreator(sandbox, username) {
    const add = (what: string, body: object): Promise<unknown> =>
      sandbox.post(`/_sandbox/instagram/${what}`, body, Type.Unknown());
    await add('users', { name: username });
    // More posts a day than Instagram allows, so that the demo can be shown all day.
    await add('accounts', { username, name: 'Demo Creator', quotaTotal: 10_000 });
    await add('pages', { name: `Page of ${username}`, user: username, instagram: username });
  },
  publishPath: '/api/instagram/publish',
  videoPost: (accountId, mediaId, text) => ({
    accountId,
    mediaType: 'REELS',
    mediaId,
    postInfo: { caption: text },
    allowDuplicate: true,
  }),
  received: (sandbox, publishId) => metaReceived('instagram', sandbox, publishId),
} satisfies SandboxedProvider;
