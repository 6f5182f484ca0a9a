import { countLive, type Driver, type Told } from './driver.ts';

const change = ({ mark, openId }: Told): object => ({
  entryId: openId,
  field: 'something_new',
  value: { mark },
});

export const instagram: Driver = {
  publishPath: '/api/instagram/publish',

  async addPerson(world, username) {
    await world.control('POST', '/instagram/accounts', { username });
    const page = { name: `Page of ${username}`, user: username, instagram: username };
    await world.control('POST', '/instagram/pages', page);
  },
  incomplete: {
    scopes: [
      'instagram_basic',
      'instagram_manage_comments',
      'instagram_manage_insights',
      'pages_show_list',
      'pages_read_engagement',
      'business_management',
    ],
    missing: ['instagram_content_publish'],
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

  live: (world, openId) => countLive(world, `/instagram/count?accountId=${openId}`),
  endpoints: {
    writes: { 'instagram.container': 8, 'instagram.publish': 6 },
    others: ['instagram.upload', 'instagram.node'],
    refresh: 'instagram.token:fb_exchange_token',
    revoke: 'instagram.permissions',
  },
  carousel: 'instagram.container:carousel',
  allow: (world, { name }, posts) =>
    world.control('POST', '/instagram/accounts', { username: name, quotaTotal: posts === 'one' ? 1 : 50 }),
  spoilToken: (world, { name }) => world.control('POST', '/instagram/invalidate', { user: name }),
  revives: false,
  // A long-lived token can be exchanged again.
  lostRefresh: 'active',
  removeApp: (world, { name }) => world.control('POST', '/instagram/revoke', { user: name }),

  tell: (world, told) =>
    world.control('POST', '/instagram/webhooks/send', {
      ...change(told),
      ...(told.secret === undefined ? {} : { secret: told.secret }),
    }),
  tellBatch: (world, [first, ...rest]) =>
    world.control('POST', '/instagram/webhooks/send', {
      ...(first === undefined ? {} : change(first)),
      batch: rest.map(change),
    }),
};
