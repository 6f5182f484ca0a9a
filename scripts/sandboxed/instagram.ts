import { Type } from 'typebox';
import { metaArguments, metaReceived } from './meta.ts';
import { countLive, type App, type SandboxedProvider } from './provider.ts';

/** The Instagram app, which belongs to the Meta app and has an id and a secret of its own. */
const loginApp = ({ clientKey, clientSecret }: App): { id: string; secret: string } => ({
  id: `${clientKey}-login`,
  secret: `${clientSecret}-login`,
});

export const instagram = {
  name: 'instagram',
  title: 'Instagram',
  credentials: [
    'NEXT_PUBLIC_INSTAGRAM_APP_ID',
    'INSTAGRAM_APP_ID',
    'INSTAGRAM_APP_SECRET',
    'INSTAGRAM_LOGIN_APP_ID',
    'INSTAGRAM_LOGIN_APP_SECRET',
  ],
  settings: /^((NEXT_PUBLIC_)?INSTAGRAM_|FACEBOOK_(DIALOG|GRAPH)_URL$)/,
  sandboxArguments: (app) => [
    ...metaArguments('instagram', app),
    `--instagram-login-app-id=${loginApp(app).id}`,
    `--instagram-login-app-secret=${loginApp(app).secret}`,
  ],
  settingsFor: (app, sandboxUrl) => ({
    NEXT_PUBLIC_INSTAGRAM_APP_ID: app.clientKey,
    INSTAGRAM_APP_SECRET: app.clientSecret,
    NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI: app.redirectUri,
    META_VERIFY_TOKEN: app.verifyToken,
    FACEBOOK_DIALOG_URL: `${sandboxUrl}/facebook`,
    FACEBOOK_GRAPH_URL: `${sandboxUrl}/graph`,
    INSTAGRAM_UPLOAD_URL: `${sandboxUrl}/rupload`,
    INSTAGRAM_LOGIN_APP_ID: loginApp(app).id,
    INSTAGRAM_LOGIN_APP_SECRET: loginApp(app).secret,
    INSTAGRAM_LOGIN_REDIRECT_URI: app.redirectUri,
    INSTAGRAM_AUTH_URL: `${sandboxUrl}/instagram-login`,
    INSTAGRAM_API_URL: `${sandboxUrl}/instagram-api`,
    INSTAGRAM_GRAPH_URL: `${sandboxUrl}/graph-instagram`,
  }),
  methods: [{ name: 'instagram_login', title: 'Instagram, without a Page' }],
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
  live: (sandbox, text) => countLive('instagram', sandbox, 'caption', text),
} satisfies SandboxedProvider;
