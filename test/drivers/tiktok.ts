import type { Json } from '../world.ts';
import type { Driver, Example } from './driver.ts';

const direct = { mode: 'direct', postInfo: { privacy_level: 'PUBLIC_TO_EVERYONE' } };
const inbox = { mode: 'inbox' };

export const tiktok: Driver = {
  label: 'tiktok',
  provider: 'tiktok',
  publishPath: '/api/tiktok/upload',
  prepare: (world) =>
    world.control('POST', '/tiktok/options', {
      limits: { creator_info: 1000, 'video.init': 1000, status: 1000 },
    }),
  addPerson: (world, username) => world.control('POST', '/tiktok/creators', { username }),
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

  async live(world, openId) {
    const { live, delivered }: Json = await world.control(
      'GET',
      `/tiktok/count?openId=${encodeURIComponent(openId)}`,
    );
    return live + delivered;
  },

  endpoints: {
    writes: { 'video.init': 2, 'inbox.init': 2, 'content.init': 2 },
    others: ['upload', 'status'],
    refresh: 'oauth.token:refresh_token',
    revoke: 'oauth.revoke',
  },
  allow: (world, { name }, posts) =>
    world.control('POST', '/tiktok/creators', { username: name, dailyPostCap: posts === 'one' ? 1 : 1000 }),
  tokenRefusal: { http: 401, code: 'access_token_invalid' },
  spoilToken: (world, { openId }) => world.control('POST', '/tiktok/expire-tokens', { openId }),
  revives: true,
  tellsOfNothing: false,
  // A refresh token is good for one refresh.
  lostRefresh: 'reauth_required',
  removeApp: (world, { openId }) => world.control('POST', '/tiktok/revoke', { openId }),
  tell: (world, { mark, openId, secret }) =>
    world.control('POST', '/tiktok/webhooks/send', {
      event: 'something.new',
      openId,
      content: { mark },
      ...(secret === undefined ? {} : { secret }),
    }),
};
