import type { Permissions } from '../permissions.ts';

/** What publishing needs; an app is often granted no more (tiktok-facts 2.8). */
const DEFAULT = ['user.info.basic', 'video.upload', 'video.publish'];

const WORDS = {
  'user.info.basic': 'read your name and picture',
  'user.info.profile': 'read your username, bio and profile link',
  'user.info.stats': 'read your numbers of followers, likes and videos',
  'video.list': 'read the list of your public videos',
  'video.upload': 'put drafts into your TikTok inbox',
  'video.publish': 'post videos and photos for you',
};

/**
 * Scopes of TikTok (tiktok-facts 2.8): neither of the two that publish opens the other's endpoints.
 * @param asked what the consent asks for; what publishing needs without it
 */
export function tiktokPermissions(asked: readonly string[] = DEFAULT): Permissions<'TIKTOK_SCOPES'> {
  return {
    asked,
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
