import type { Chaos, Content, PlannedFile } from './chaos.ts';
import { partText } from './chaos.ts';
import type { Driver } from './driver.ts';
import { ANSWERS, containers, IMAGE_URL, mediaOf, metaFlags, toldBy, valueOf, VIDEO_URL } from './meta.ts';
import type { Json } from './sandbox.ts';
import type { Way } from './way.ts';

const way: Way = {
  label: 'threads',
  title: 'Threads',
  method: null,
  // A token must be a day old before it can be renewed.
  prepare: (sandbox) => sandbox.control('POST', '/threads/options', { refreshAfterSeconds: 0 }),
  incomplete: { scopes: ['threads_basic'], missing: ['threads_content_publish'] },

  async examples({ videoId, imageId, videoUrl, imageUrl }, sandbox) {
    const { post }: Json = await sandbox.control('POST', '/threads/posts', { text: 'answer this' });
    const children = [{ imageUrl }, { mediaId: videoId }];
    return {
      'a text': { body: { mediaType: 'TEXT', postInfo: { text: 'words' } } },
      'a reply': { body: { mediaType: 'TEXT', postInfo: { text: 'an answer', reply_to_id: post.id } } },
      'an image': { body: { mediaType: 'IMAGE', mediaId: imageId } },
      'a video': { body: { mediaType: 'VIDEO', videoUrl } },
      'a carousel': { body: { mediaType: 'CAROUSEL', children }, events: 48 },
      'a chain': {
        body: {
          mediaType: 'TEXT',
          postInfo: { text: 'the first' },
          replies: [{ mediaType: 'IMAGE', mediaId: imageId, postInfo: { text: 'the second' } }],
        },
        events: 62,
        live: 2,
      },
    };
  },

  endpoints: {
    writes: { 'threads.container': 10, 'threads.publish': 7 },
    others: ['threads.node'],
    details: 'threads.node:post',
    refresh: 'threads.refresh',
    // Threads documents none.
    revoke: null,
  },
  carousel: 'threads.container:carousel',
  allow: (sandbox, _person, posts) =>
    sandbox.control('POST', '/threads/options', { postsPerDay: posts === 'one' ? 1 : 250 }),
  tokenRefusal: { http: 400, code: '190' },
  spoilToken: (sandbox, { username }) => sandbox.control('POST', '/threads/invalidate', { username }),
  revives: false,
  tellsOfNothing: true,
  // The stricter reading: a renewed token is dead.
  lostRefresh: 'reauth_required',
};

const chaos: Chaos = {
  endpoints: [
    ['threads.container', 8],
    ['threads.publish', 10],
    ['threads.node', 4],
    ['threads.posts', 2],
    ['threads.replies', 2],
    ['threads.limit', 2],
    ['threads.refresh', 1],
    ['webhook:threads', 2],
  ],
  reads: ['threads.posts', 'threads.conversation', 'threads.insights', 'threads.user_insights'],
  reply: 'threads.publish',
  answers: () => ANSWERS,
  // Threads fetches everything from us.
  upload: 'threads.container',
  tells: true,
  moreEvents: true,
  consent: () => ({}),

  draw(random): Content {
    const kind = random.weigh([
      ['TEXT', 30],
      ['IMAGE', 25],
      ['VIDEO', 25],
      ['CAROUSEL', 20],
    ] as const);
    const image = random.pick([IMAGE_URL, { from: 'upload', name: 'image' } as const]);
    const video = random.pick([
      VIDEO_URL,
      { from: 'upload', name: random.pick(['tiny', 'small'] as const) } as const,
    ]);
    const missing = random.chance(0.03);
    const files: Record<typeof kind, PlannedFile[]> = {
      TEXT: [],
      IMAGE: [missing ? { ...IMAGE_URL, missing } : image],
      VIDEO: [missing ? { ...VIDEO_URL, missing } : video],
      CAROUSEL: [image, video, VIDEO_URL].slice(0, random.int(2, 3)),
    };
    const replies = random.chance(0.25) ? random.int(1, 2) : 0;
    return { kind, files: files[kind], ends: 'published', replies };
  },

  body: ({ kind, replies }, text, files) => ({
    mediaType: kind,
    postInfo: { text },
    ...(kind === 'CAROUSEL' ? { children: files.map(mediaOf) } : files.map(mediaOf)[0]),
    ...(replies === 0
      ? {}
      : {
          replies: Array.from({ length: replies }, (_, index) => ({
            mediaType: 'TEXT',
            postInfo: { text: partText(text, index + 1) },
          })),
        }),
  }),

  expire: (sandbox, { username }) => sandbox.control('POST', '/threads/expire-tokens', { username }),
  refuse: (sandbox, times) => sandbox.control('POST', '/threads/fail-next', { times }),
  toldBy,
};

export const threads: Driver = {
  provider: 'threads',
  title: 'Threads',
  publishPath: '/api/threads/publish',

  credentials: ['NEXT_PUBLIC_THREADS_APP_ID', 'THREADS_APP_ID', 'THREADS_APP_SECRET'],
  settings: /^(NEXT_PUBLIC_)?THREADS_/,
  settingsFor: (app, sandboxUrl) => ({
    NEXT_PUBLIC_THREADS_APP_ID: app.clientKey,
    THREADS_APP_SECRET: app.clientSecret,
    NEXT_PUBLIC_THREADS_REDIRECT_URI: app.redirectUri,
    META_VERIFY_TOKEN: app.verifyToken,
    THREADS_AUTH_URL: `${sandboxUrl}/threads-auth`,
    THREADS_GRAPH_URL: `${sandboxUrl}/threads`,
  }),
  sandboxFlags: (app, options) => metaFlags('threads', app, options),
  withoutLimits: { postsPerDay: 100_000, repliesPerDay: 100_000, callsPerDay: 100_000 },

  addCreator: (sandbox, { username }) => sandbox.control('POST', '/threads/profiles', { username }),
  /** Threads fetches the file from us. */
  videoPost: (accountId, mediaId, text) => ({
    accountId,
    mediaType: 'VIDEO',
    mediaId,
    postInfo: { text },
    allowDuplicate: true,
  }),
  made: (sandbox) =>
    containers(sandbox, '/threads/publishes', { owner: 'userId', text: 'text', postId: 'postId' }),
  removeApp: (sandbox, { username }) => sandbox.control('POST', '/threads/revoke', { username }),
  async tell(sandbox, told) {
    for (const one of told)
      await sandbox.control('POST', '/threads/webhooks/send', {
        field: 'something_new',
        targetId: one.openId,
        value: valueOf(one),
        ...(one.secret === undefined ? {} : { secret: one.secret }),
      });
  },
  batches: false,
  ways: [way],
  chaos,
};
