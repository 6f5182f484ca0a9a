import type { Chaos, Content, PlannedFile } from './chaos.ts';
import type { Driver } from './driver.ts';
import { ANSWERS, containers, IMAGE_URL, mediaOf, metaFlags, toldBy, valueOf, VIDEO_URL } from './meta.ts';
import type { App, Creator, Told } from './sandbox.ts';
import type { Way } from './way.ts';

/** Instagram Login, without a Page; the default is Facebook Login. */
const LOGIN = 'instagram_login';

/** The owner of the tokens: the account itself, or the Facebook user of the same name. */
const holderOf = ({ method, username }: Creator): object =>
  method === LOGIN ? { account: username } : { user: username };

const pageOf = (username: string): string => `Page of ${username}`;

const usualWay: Way = {
  label: 'instagram',
  title: 'Instagram',
  method: null,
  incomplete: {
    scopes: [
      'instagram_basic',
      'instagram_manage_comments',
      'instagram_manage_insights',
      'pages_show_list',
      'business_management',
    ],
    missing: ['instagram_content_publish', 'pages_read_engagement'],
  },

  async examples({ videoId, imageId, videoUrl, imageUrl }) {
    const children = [{ imageUrl }, { mediaId: videoId }];
    return {
      'an image': { body: { mediaType: 'IMAGE', mediaId: imageId } },
      'an image by URL': { body: { mediaType: 'IMAGE', imageUrl } },
      'a reel': { body: { mediaType: 'REELS', mediaId: videoId } },
      'a reel by URL': { body: { mediaType: 'REELS', videoUrl } },
      'a story': { body: { mediaType: 'STORIES', imageUrl } },
      'a carousel': { body: { mediaType: 'CAROUSEL', children }, events: 48 },
    };
  },

  endpoints: {
    writes: { 'instagram.container': 8, 'instagram.publish': 6 },
    others: ['instagram.upload', 'instagram.node'],
    details: 'instagram.node:media',
    refresh: 'instagram.token:fb_exchange_token',
    revoke: 'instagram.permissions',
  },
  carousel: 'instagram.container:carousel',
  allow: (sandbox, { username }, posts) =>
    sandbox.control('POST', '/instagram/accounts', { username, quotaTotal: posts === 'one' ? 1 : 50 }),
  tokenRefusal: { http: 400, code: '190' },
  spoilToken: (sandbox, person) => sandbox.control('POST', '/instagram/invalidate', holderOf(person)),
  revives: false,
  tellsOfNothing: true,
  // A long-lived token can be exchanged again.
  lostRefresh: 'active',
};

/** The same sandbox, but accounts log in themselves, and Instagram fetches the files from us. */
const loginWay: Way = {
  ...usualWay,
  label: 'instagram (Instagram Login)',
  title: 'Instagram, without a Page',
  method: LOGIN,
  // A token must be a day old before it can be renewed.
  prepare: (sandbox) => sandbox.control('POST', '/instagram/options', { refreshAfterSeconds: 0 }),
  incomplete: {
    scopes: [
      'instagram_business_basic',
      'instagram_business_manage_comments',
      'instagram_business_manage_insights',
    ],
    missing: ['instagram_business_content_publish'],
  },
  endpoints: {
    ...usualWay.endpoints,
    others: ['instagram.node'],
    refresh: 'instagram.login_refresh',
    // There is no way to revoke a permission: the account is unsubscribed.
    revoke: 'instagram.subscribed_apps',
  },
  // The stricter reading: a renewed token is dead.
  lostRefresh: 'reauth_required',
};

const chaos: Chaos = {
  endpoints: [
    ['instagram.container', 8],
    ['instagram.publish', 9],
    ['instagram.node', 5],
    ['instagram.upload', 4],
    ['instagram.media', 2],
    ['instagram.limit', 2],
    ['instagram.token:fb_exchange_token', 1],
    ['instagram.login_refresh', 1],
    ['webhook:instagram', 2],
  ],
  reads: ['instagram.media', 'instagram.stories', 'instagram.comments', 'instagram.insights'],
  reply: 'instagram.replies:write',
  answers: (endpoint) => (endpoint === 'instagram.upload' ? [{ http: 503 }] : ANSWERS),
  upload: 'instagram.upload',
  tells: true,
  moreEvents: true,
  consent: ({ username, method }) => (method === LOGIN ? {} : { page: pageOf(username) }),

  draw(random): Content {
    const name = random.weigh([
      ['tiny', 50],
      ['small', 35],
      ['medium', 15],
    ] as const);
    const kind = random.weigh([
      ['IMAGE', 28],
      ['REELS', 34],
      ['STORIES', 14],
      ['CAROUSEL', 24],
    ] as const);
    const image = random.pick([IMAGE_URL, { from: 'upload', name: 'image' } as const]);
    const video = random.pick([VIDEO_URL, { from: 'upload', name } as const]);
    const missing = random.chance(0.03);
    const files: Record<typeof kind, PlannedFile[]> = {
      IMAGE: [missing ? { ...IMAGE_URL, missing } : image],
      REELS: [missing ? { ...VIDEO_URL, missing } : video],
      // Without a caption, only its URL identifies it.
      STORIES: [random.pick([IMAGE_URL, VIDEO_URL])],
      CAROUSEL: [image, video, IMAGE_URL].slice(0, random.int(2, 3)),
    };
    return { kind, files: files[kind], ends: 'published', replies: 0 };
  },

  body: ({ kind }, text, files) => ({
    mediaType: kind,
    ...(kind === 'CAROUSEL' ? { children: files.map(mediaOf) } : files.map(mediaOf)[0]),
    ...(kind === 'STORIES' ? {} : { postInfo: { caption: text } }),
  }),

  expire: (sandbox, account) => sandbox.control('POST', '/instagram/expire-tokens', holderOf(account)),
  refuse: (sandbox, times) => sandbox.control('POST', '/instagram/fail-next', { times }),
  toldBy,
};

/** The Instagram app, which belongs to the Meta app and has an id and a secret of its own. */
export const loginApp = ({ clientKey, clientSecret }: App): { id: string; secret: string } => ({
  id: `${clientKey}-login`,
  secret: `${clientSecret}-login`,
});

const change = (told: Told): object => ({
  entryId: told.openId,
  field: 'something_new',
  value: valueOf(told),
});

export const instagram: Driver = {
  provider: 'instagram',
  title: 'Instagram',
  publishPath: '/api/instagram/publish',

  credentials: [
    'NEXT_PUBLIC_INSTAGRAM_APP_ID',
    'INSTAGRAM_APP_ID',
    'INSTAGRAM_APP_SECRET',
    'INSTAGRAM_LOGIN_APP_ID',
    'INSTAGRAM_LOGIN_APP_SECRET',
  ],
  settings: /^((NEXT_PUBLIC_)?INSTAGRAM_|FACEBOOK_(DIALOG|GRAPH)_URL$)/,
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
  sandboxFlags: (app, options) => [
    ...metaFlags('instagram', app, options),
    `--instagram-login-app-id=${loginApp(app).id}`,
    `--instagram-login-app-secret=${loginApp(app).secret}`,
  ],
  withoutLimits: { quotaTotal: 100_000, containersPerDay: 100_000, callsPerDay: 100_000 },

  /** With Facebook Login: a Facebook user with a page that the account is linked to. */
  async addCreator(sandbox, { username, method }, postsPerDay) {
    await sandbox.control('POST', '/instagram/accounts', {
      username,
      ...(postsPerDay === undefined ? {} : { quotaTotal: postsPerDay }),
    });
    if (method === LOGIN) return;
    const page = { name: pageOf(username), user: username, instagram: username };
    await sandbox.control('POST', '/instagram/pages', page);
  },
  videoPost: (accountId, mediaId, text) => ({
    accountId,
    mediaType: 'REELS',
    mediaId,
    postInfo: { caption: text },
    allowDuplicate: true,
  }),
  made: (sandbox) =>
    containers(sandbox, '/instagram/publishes', { owner: 'accountId', text: 'caption', postId: 'mediaId' }),
  removeApp: (sandbox, person) => sandbox.control('POST', '/instagram/revoke', holderOf(person)),
  async tell(sandbox, [first, ...rest], method) {
    if (first === undefined) return;
    await sandbox.control('POST', '/instagram/webhooks/send', {
      ...change(first),
      stack: method === LOGIN ? 'login' : 'facebook',
      ...(first.secret === undefined ? {} : { secret: first.secret }),
      ...(rest.length === 0 ? {} : { batch: rest.map(change) }),
    });
  },
  batches: true,
  ways: [usualWay, loginWay],
  chaos,
};
