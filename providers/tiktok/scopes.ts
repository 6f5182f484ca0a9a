import type { Permissions } from '../permissions.ts';

/** Needed to publish; an app often gets no more (tiktok-facts 2.8). */
const DEFAULT = ['user.info.basic', 'video.upload', 'video.publish'];

/** The profile, its numbers, and the public videos with theirs (tiktok-facts 2.8). */
const SYNC = ['user.info.profile', 'user.info.stats', 'video.list'];

const WORDS = {
  'user.info.basic': 'read your name and picture',
  'user.info.profile': 'read your username, bio and profile link',
  'user.info.stats': 'read your follower, like and video counts',
  'video.list': 'read the list of your public videos',
  'video.upload': 'put drafts into your TikTok inbox',
  'video.publish': 'post videos and photos for you',
};

/**
 * TikTok's scopes (tiktok-facts 2.8): each of the two publishing scopes opens only its own endpoints.
 * @param asked the scopes that the consent asks for; default: those that publishing needs
 */
export function tiktokPermissions(asked: readonly string[] = DEFAULT): Permissions<'TIKTOK_SCOPES'> {
  return {
    asked,
    sync: SYNC,
    required: [['user.info.basic'], ['video.upload', 'video.publish']],
    capabilities: {
      draft: ['video.upload'],
      publish: ['video.publish'],
      read_media: ['video.list'],
      read_insights: ['video.list'],
    },
    words: WORDS,
    setting: 'TIKTOK_SCOPES',
  };
}
