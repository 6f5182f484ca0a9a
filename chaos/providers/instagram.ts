import { ANSWERS, containers, IMAGE_URL, marked, mediaOf, toldBy, VIDEO_URL } from './meta.ts';
import type { ChaosProvider, Content, PlannedFile } from './provider.ts';
import type { Creator } from '../creators.ts';

/** Instagram Login, without a Page; the usual way is Facebook Login. */
const LOGIN = 'instagram_login';

/** Whose tokens they are: the account's own, or those of the Facebook user of the same name. */
const holderOf = ({ method, username }: Creator): object =>
  method === LOGIN ? { account: username } : { user: username };

export const instagram: ChaosProvider = {
  publishPath: '/api/instagram/publish',
  methods: [null, LOGIN],
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
  answers: (endpoint) => (endpoint === 'instagram.upload' ? [{ http: 503 }] : ANSWERS),
  upload: 'instagram.upload',
  tells: true,

  /** With Facebook Login: a Facebook user with a page, which the account is linked to. */
  async addCreator(api, { username, method }) {
    await api.control('POST', '/instagram/accounts', { username, quotaTotal: 100_000 });
    if (method === LOGIN) return;
    await api.control('POST', '/instagram/users', { name: username });
    const page = { name: `Page of ${username}`, user: username, instagram: username };
    await api.control('POST', '/instagram/pages', page);
  },
  consent: ({ username, method }) => (method === LOGIN ? {} : { page: `Page of ${username}` }),

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
      // Without a caption, only its URL tells which one it is.
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

  made: (api) =>
    containers(api, '/instagram/publishes', { owner: 'accountId', text: 'caption', postId: 'mediaId' }),
  expire: (api, account) => api.control('POST', '/instagram/expire-tokens', holderOf(account)),
  remove: (api, account) => api.control('POST', '/instagram/revoke', holderOf(account)),
  refuse: (api, times) => api.control('POST', '/instagram/fail-next', { times }),
  tell: (api, { openId, method }, mark) =>
    api.control('POST', '/instagram/webhooks/send', {
      entryId: openId,
      field: 'something_new',
      value: marked({ openId, mark }),
      stack: method === LOGIN ? 'login' : 'facebook',
    }),
  toldBy,
};
