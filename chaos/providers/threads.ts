import { ANSWERS, containers, IMAGE_URL, marked, mediaOf, toldBy, VIDEO_URL } from './meta.ts';
import { type ChaosProvider, type Content, partText, type PlannedFile } from './provider.ts';

export const threads: ChaosProvider = {
  publishPath: '/api/threads/publish',
  methods: [null],
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
  answers: () => ANSWERS,
  // It fetches everything from us.
  upload: 'threads.container',
  tells: true,

  addCreator: (api, { username }) => api.control('POST', '/threads/profiles', { username }),
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

  made: (api) => containers(api, '/threads/publishes', { owner: 'userId', text: 'text', postId: 'postId' }),
  expire: (api, { username }) => api.control('POST', '/threads/expire-tokens', { username }),
  remove: (api, { username }) => api.control('POST', '/threads/revoke', { username }),
  refuse: (api, times) => api.control('POST', '/threads/fail-next', { times }),
  tell: (api, { openId }, mark) =>
    api.control('POST', '/threads/webhooks/send', {
      field: 'something_new',
      targetId: openId,
      value: marked({ openId, mark }),
    }),
  toldBy,
};
