import type { Chaos, PlannedFile } from './chaos.ts';
import type { Driver } from './driver.ts';
import { listOf, type Json } from './sandbox.ts';
import type { Example, Way } from './way.ts';

const direct = { mode: 'direct', postInfo: { privacy_level: 'PUBLIC_TO_EVERYONE' } };
const inbox = { mode: 'inbox' };

const way: Way = {
  label: 'tiktok',
  title: 'TikTok',
  method: null,
  prepare: (sandbox) =>
    sandbox.control('POST', '/tiktok/options', {
      limits: { creator_info: 1000, 'video.init': 1000, status: 1000 },
    }),
  // One of the two is enough (tiktok-facts 2.8).
  incomplete: { scopes: ['user.info.basic'], missing: ['video.upload', 'video.publish'] },

  async examples({ videoId, videoUrl, imageUrl }) {
    const file = { source: 'FILE_UPLOAD', mediaId: videoId };
    const url = { source: 'PULL_FROM_URL', videoUrl };
    const photos = { source: 'PULL_FROM_URL', photoUrls: [imageUrl] };
    const examples: Record<string, Example> = {
      'a file': { body: { ...file, ...direct } },
      'a URL': { body: { ...url, ...direct } },
      photos: { body: { ...photos, ...direct } },
      'a draft of a file': { body: { ...file, ...inbox }, ends: 'delivered' },
      'a draft of a URL': { body: { ...url, ...inbox }, ends: 'delivered' },
      'a draft of photos': { body: { ...photos, ...inbox }, ends: 'delivered' },
    };
    for (const example of Object.values(examples)) example.events = 26;
    return examples;
  },

  endpoints: {
    writes: { 'video.init': 2, 'inbox.init': 2, 'content.init': 2 },
    others: ['upload', 'status'],
    refresh: 'oauth.token:refresh_token',
    revoke: 'oauth.revoke',
  },
  allow: (sandbox, { username }, posts) =>
    sandbox.control('POST', '/tiktok/creators', { username, dailyPostCap: posts === 'one' ? 1 : 1000 }),
  tokenRefusal: { http: 401, code: 'access_token_invalid' },
  spoilToken: (sandbox, { openId }) => sandbox.control('POST', '/tiktok/expire-tokens', { openId }),
  revives: true,
  tellsOfNothing: false,
  // A refresh token works for one refresh.
  lostRefresh: 'reauth_required',
};

const chaos: Chaos = {
  endpoints: [
    ['video.init', 8],
    ['inbox.init', 4],
    ['content.init', 4],
    ['status', 4],
    ['upload', 5],
    ['creator_info', 3],
    ['cancel', 1],
    ['oauth.token:refresh_token', 2],
    ['webhook:tiktok', 3],
  ],
  reads: ['video.list', 'video.query', 'user.info'],
  reply: null,
  answers(endpoint) {
    if (endpoint === 'upload') return [{ http: 403 }];
    if (endpoint.startsWith('oauth')) return [{ http: 503 }];
    return [
      { http: 429, code: 'rate_limit_exceeded' },
      { http: 503, code: 'internal_error' },
    ];
  },
  upload: 'upload',
  // Only events can show an init by URL.
  tells: false,
  consent: () => ({}),

  draw(random) {
    const source = random.weigh([
      ['file', 60],
      ['video', 26],
      ['photos', 12],
      ['missing', 2],
    ] as const);
    const name = random.weigh([
      ['tiny', 45],
      ['small', 40],
      ['medium', 12],
      ['chunks', 3],
    ] as const);
    const files: Record<typeof source, PlannedFile[]> = {
      file: [{ from: 'upload', name }],
      video: [{ from: 'url', what: 'video' }],
      photos: [
        { from: 'url', what: 'image' },
        { from: 'url', what: 'image' },
      ],
      missing: [{ from: 'url', what: 'video', missing: true }],
    };
    const draft = random.chance(0.3);
    return {
      kind: `${draft ? 'inbox' : 'direct'} ${source}`,
      files: files[source],
      ends: draft ? 'delivered' : 'published',
      replies: 0,
    };
  },

  body({ kind, ends }, title, files) {
    const published = ends === 'published';
    const [file] = files;
    if (file === undefined) throw new Error('a post of TikTok has a file');
    const urls = files.flatMap((one) => ('url' in one ? [one.url] : []));
    return {
      mode: published ? 'direct' : 'inbox',
      postInfo: { title, ...(published ? { privacy_level: 'PUBLIC_TO_EVERYONE' } : {}) },
      ...('mediaId' in file
        ? { source: 'FILE_UPLOAD', mediaId: file.mediaId }
        : {
            source: 'PULL_FROM_URL',
            ...(kind.endsWith('photos') ? { photoUrls: urls } : { videoUrl: urls[0] }),
          }),
    };
  },

  expire: (sandbox, { openId }) => sandbox.control('POST', '/tiktok/expire-tokens', { openId }),
  refuse: (sandbox, times) => sandbox.control('POST', '/tiktok/fail-next', { reason: 'internal', times }),
  toldBy(text) {
    const { user_openid: openId }: Json = JSON.parse(text);
    return [{ openId, mark: text }];
  },
};

const MANY = 100_000;
const LIMITED = ['creator_info', 'video.init', 'inbox.init', 'content.init', 'status', 'user.info'];
/** The sandbox considers every loopback URL verified. */
const SITE_FILE = 'tiktokSandbox.txt=tiktok-developers-site-verification=Sandbox';

export const tiktok: Driver = {
  provider: 'tiktok',
  title: 'TikTok',
  publishPath: '/api/tiktok/upload',

  credentials: ['TIKTOK_CLIENT_KEY', 'NEXT_PUBLIC_TIKTOK_CLIENT_KEY', 'TIKTOK_CLIENT_SECRET'],
  // These settings of an app can also be tried with the sandbox.
  settings: /^(NEXT_PUBLIC_)?TIKTOK_(?!SCOPES$|APP_AUDITED$|SITE_VERIFICATION$)/,
  settingsFor: (app, sandboxUrl) => ({
    TIKTOK_CLIENT_KEY: app.clientKey,
    TIKTOK_CLIENT_SECRET: app.clientSecret,
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: app.redirectUri,
    TIKTOK_AUTH_URL: sandboxUrl,
    TIKTOK_API_URL: sandboxUrl,
    TIKTOK_UPLOAD_HOSTS: new URL(sandboxUrl).host,
    TIKTOK_APP_AUDITED: 'true',
    TIKTOK_SITE_VERIFICATION: SITE_FILE,
  }),
  sandboxFlags: (app, options) => [
    `--client-key=${app.clientKey}`,
    `--client-secret=${app.clientSecret}`,
    `--redirect-uri=${app.redirectUri}`,
    `--webhook-url=${app.webhookUrl}`,
    ...(options === undefined ? [] : [`--options=${JSON.stringify(options)}`]),
  ],
  withoutLimits: {
    dailyPostCap: MANY,
    pendingShareCap: MANY,
    limits: Object.fromEntries(LIMITED.map((name) => [name, MANY])),
  },

  addCreator: (sandbox, { username }, postsPerDay) =>
    sandbox.control('POST', '/tiktok/creators', {
      username,
      ...(postsPerDay === undefined ? {} : { dailyPostCap: postsPerDay }),
    }),
  videoPost: (accountId, mediaId, text) => ({
    accountId,
    source: 'FILE_UPLOAD',
    mediaId,
    mode: 'direct',
    postInfo: { title: text, privacy_level: 'PUBLIC_TO_EVERYONE' },
    allowDuplicate: true,
  }),
  async made(sandbox) {
    const publishes = await listOf(sandbox, '/tiktok/publishes');
    return publishes.map(({ id, openId, mode, status, postIds, postInfo, urls, ...file }) => ({
      id,
      postIds,
      openId,
      text: postInfo.title ?? '',
      urls,
      live: status === 'PUBLISH_COMPLETE' || (mode === 'inbox' && status === 'SEND_TO_USER_INBOX'),
      refused: status === 'FAILED',
      status,
      sha256s: file.source === 'FILE_UPLOAD' ? [file.sha256] : file.files.map((one: Json) => one.sha256),
      chunks: file.chunks.length,
    }));
  },
  removeApp: (sandbox, { openId }) => sandbox.control('POST', '/tiktok/revoke', { openId }),
  async tell(sandbox, told) {
    for (const { mark, openId, secret } of told)
      await sandbox.control('POST', '/tiktok/webhooks/send', {
        event: 'something.new',
        openId,
        content: { mark },
        ...(secret === undefined ? {} : { secret }),
      });
  },
  batches: false,
  ways: [way],
  chaos,
};
