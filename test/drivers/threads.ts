import type { Json } from '../world.ts';
import { countLive, type Driver } from './driver.ts';

export const threads: Driver = {
  label: 'threads',
  provider: 'threads',
  publishPath: '/api/threads/publish',
  // A token has to be a day old before it can be renewed.
  prepare: (world) => world.control('POST', '/threads/options', { refreshAfterSeconds: 0 }),
  addPerson: (world, username) => world.control('POST', '/threads/profiles', { username }),
  incomplete: { scopes: ['threads_basic'], missing: ['threads_content_publish'] },

  async examples({ videoId, imageId, videoUrl, imageUrl }, world) {
    const { post }: Json = await world.control('POST', '/threads/posts', { text: 'answer this' });
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

  live: (world, openId) => countLive(world, `/threads/count?userId=${openId}`),
  endpoints: {
    writes: { 'threads.container': 10, 'threads.publish': 7 },
    others: ['threads.node'],
    details: 'threads.node:post',
    refresh: 'threads.refresh',
    // None is documented.
    revoke: null,
  },
  carousel: 'threads.container:carousel',
  allow: (world, _person, posts) =>
    world.control('POST', '/threads/options', { postsPerDay: posts === 'one' ? 1 : 250 }),
  tokenRefusal: { http: 400, code: '190' },
  spoilToken: (world, { name }) => world.control('POST', '/threads/invalidate', { username: name }),
  revives: false,
  tellsOfNothing: true,
  // The stricter reading: a token that was renewed is dead.
  lostRefresh: 'reauth_required',
  removeApp: (world, { name }) => world.control('POST', '/threads/revoke', { username: name }),
  tell: (world, { mark, openId, secret }) =>
    world.control('POST', '/threads/webhooks/send', {
      field: 'something_new',
      targetId: openId,
      value: { mark },
      ...(secret === undefined ? {} : { secret }),
    }),
};
