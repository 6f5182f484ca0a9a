import type { World } from '../world.ts';
import { countLive, type Driver, type Told } from './driver.ts';

const change = ({ mark, openId }: Told): object => ({
  entryId: openId,
  field: 'something_new',
  value: { mark },
});

/** @param stack whose app signs it */
const send = (world: World, told: Told, stack: 'facebook' | 'login'): Promise<unknown> =>
  world.control('POST', '/instagram/webhooks/send', {
    ...change(told),
    stack,
    ...(told.secret === undefined ? {} : { secret: told.secret }),
  });

const sendBatch = (
  world: World,
  [first, ...rest]: readonly Told[],
  stack: 'facebook' | 'login',
): Promise<unknown> =>
  world.control('POST', '/instagram/webhooks/send', {
    ...(first === undefined ? {} : change(first)),
    stack,
    batch: rest.map(change),
  });

export const instagram: Driver = {
  label: 'instagram',
  provider: 'instagram',
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

  live: (world, openId) => countLive(world, `/instagram/count?accountId=${openId}`),
  endpoints: {
    writes: { 'instagram.container': 8, 'instagram.publish': 6 },
    others: ['instagram.upload', 'instagram.node'],
    details: 'instagram.node:media',
    refresh: 'instagram.token:fb_exchange_token',
    revoke: 'instagram.permissions',
  },
  carousel: 'instagram.container:carousel',
  allow: (world, { name }, posts) =>
    world.control('POST', '/instagram/accounts', { username: name, quotaTotal: posts === 'one' ? 1 : 50 }),
  tokenRefusal: { http: 400, code: '190' },
  spoilToken: (world, { name }) => world.control('POST', '/instagram/invalidate', { user: name }),
  revives: false,
  tellsOfNothing: true,
  // A long-lived token can be exchanged again.
  lostRefresh: 'active',
  removeApp: (world, { name }) => world.control('POST', '/instagram/revoke', { user: name }),

  tell: (world, told) => send(world, told, 'facebook'),
  tellBatch: (world, told) => sendBatch(world, told, 'facebook'),
};

/** The same sandbox, but accounts log in by themselves, and fetch what is published from us. */
export const instagramLogin: Driver = {
  ...instagram,
  label: 'instagram (Instagram Login)',
  method: 'instagram_login',
  // A token has to be a day old before it can be renewed.
  prepare: (world) => world.control('POST', '/instagram/options', { refreshAfterSeconds: 0 }),
  addPerson: (world, username) => world.control('POST', '/instagram/accounts', { username }),
  incomplete: {
    scopes: [
      'instagram_business_basic',
      'instagram_business_manage_comments',
      'instagram_business_manage_insights',
    ],
    missing: ['instagram_business_content_publish'],
  },
  endpoints: {
    ...instagram.endpoints,
    others: ['instagram.node'],
    refresh: 'instagram.login_refresh',
    // No permission can be ended: the account is unsubscribed.
    revoke: 'instagram.subscribed_apps',
  },
  spoilToken: (world, { name }) => world.control('POST', '/instagram/invalidate', { account: name }),
  // The stricter reading: a token that was renewed is dead.
  lostRefresh: 'reauth_required',
  removeApp: (world, { name }) => world.control('POST', '/instagram/revoke', { account: name }),
  tell: (world, told) => send(world, told, 'login'),
  tellBatch: (world, told) => sendBatch(world, told, 'login'),
};
