import type { Json } from '../client.ts';
import { type ChaosProvider, listOf, type PlannedFile } from './provider.ts';

export const tiktok: ChaosProvider = {
  publishPath: '/api/tiktok/upload',
  methods: [null],
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
  answers(endpoint) {
    if (endpoint === 'upload') return [{ http: 403 }];
    if (endpoint.startsWith('oauth')) return [{ http: 503 }];
    return [
      { http: 429, code: 'rate_limit_exceeded' },
      { http: 503, code: 'internal_error' },
    ];
  },
  upload: 'upload',
  // Only events can tell of an init from a URL.
  tells: false,

  addCreator: (api, { username }) => api.control('POST', '/tiktok/creators', { username }),
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
    const direct = ends === 'published';
    const [file] = files;
    if (file === undefined) throw new Error('a post of TikTok has a file');
    const urls = files.flatMap((one) => ('url' in one ? [one.url] : []));
    return {
      mode: direct ? 'direct' : 'inbox',
      postInfo: { title, ...(direct ? { privacy_level: 'PUBLIC_TO_EVERYONE' } : {}) },
      ...('mediaId' in file
        ? { source: 'FILE_UPLOAD', mediaId: file.mediaId }
        : {
            source: 'PULL_FROM_URL',
            ...(kind.endsWith('photos') ? { photoUrls: urls } : { videoUrl: urls[0] }),
          }),
    };
  },

  async made(api) {
    const publishes = await listOf(api, '/tiktok/publishes');
    return publishes.map(({ id, openId, mode, status, postIds, postInfo, urls, source, sha256, files }) => ({
      id,
      postIds,
      openId,
      text: postInfo.title ?? '',
      urls,
      live: status === 'PUBLISH_COMPLETE' || (mode === 'inbox' && status === 'SEND_TO_USER_INBOX'),
      refused: status === 'FAILED',
      status,
      sha256s: source === 'FILE_UPLOAD' ? [sha256] : files.map((file: Json) => file.sha256),
    }));
  },

  expire: (api, { openId }) => api.control('POST', '/tiktok/expire-tokens', { openId }),
  remove: (api, { openId }) => api.control('POST', '/tiktok/revoke', { openId }),
  refuse: (api, times) => api.control('POST', '/tiktok/fail-next', { reason: 'internal', times }),
  toldBy(text) {
    const { user_openid: openId }: Json = JSON.parse(text);
    return [{ openId, mark: text }];
  },
};
