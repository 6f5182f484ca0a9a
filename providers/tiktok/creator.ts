import { ProviderError } from '../errors.ts';
import { amount, record, text, word } from '../json.ts';
import type { MediaFacts } from '../publishing.ts';
import { callApi, type TikTokSettings } from './client.ts';
import { QUOTAS } from './quotas.ts';
import { isPhotoPost, type TikTokRequest } from './request.ts';

/** What the account may do right now (tiktok-facts 4.2). */
export interface CreatorInfo {
  username: string | null;
  nickname: string | null;
  avatarUrl: string | null;
  privacyLevelOptions: readonly string[];
  commentDisabled: boolean;
  duetDisabled: boolean;
  stitchDisabled: boolean;
  maxVideoPostDurationSec: number | null;
}

/**
 * Fresh options for the publish form.
 * @throws ProviderError; TikTok deliberately sends some refusals with HTTP 200 (tiktok-facts 4.2)
 */
export async function creatorInfo(
  settings: TikTokSettings,
  accessToken: string,
  signal: AbortSignal,
): Promise<CreatorInfo> {
  const { data } = await callApi(settings, {
    path: '/v2/post/publish/creator_info/query/',
    effect: 'read',
    quota: QUOTAS.creatorInfo.bucket,
    accessToken,
    signal,
  });
  const creator = record(data) ?? {};
  const options = creator['privacy_level_options'];
  return {
    username: word(creator['creator_username']),
    nickname: word(creator['creator_nickname']),
    avatarUrl: text(creator['creator_avatar_url']),
    privacyLevelOptions: Array.isArray(options) ? options.filter((option) => typeof option === 'string') : [],
    commentDisabled: creator['comment_disabled'] === true,
    duetDisabled: creator['duet_disabled'] === true,
    stitchDisabled: creator['stitch_disabled'] === true,
    maxVideoPostDurationSec: amount(creator['max_video_post_duration_sec']),
  };
}

/**
 * Checks a direct post against the account's options. The switches need no check: TikTok forces a disable_* to true if
 * the account forbids the feature (tiktok-facts 4.3).
 * @throws ProviderError `rejected`, which names the fix
 */
export function checkAgainstCreator(
  request: TikTokRequest,
  creator: CreatorInfo,
  media: MediaFacts | null,
): void {
  const { privacy_level: privacy } = request.postInfo;
  if (privacy !== undefined && !creator.privacyLevelOptions.includes(privacy))
    refuse(
      'privacy_level_option_mismatch',
      `This account does not offer privacy_level ${privacy}; choose one of ${creator.privacyLevelOptions.join(', ')}.`,
    );
  const longest = creator.maxVideoPostDurationSec;
  // The maximum duration does not apply to photos (tiktok-facts 4.2).
  if (isPhotoPost(request) || longest === null || media?.durationMs == null) return;
  if (media.durationMs > longest * 1000)
    refuse(
      'video_too_long',
      `The video lasts ${Math.ceil(media.durationMs / 1000)} s, but this account may post at most ${longest} s.`,
    );
}

/**
 * Until TikTok has audited the app, it refuses direct posts that are not SELF_ONLY, and all direct posts to a public account,
 * whose options include everyone (tiktok-facts 4.2 and 4.13). Creator info may offer more than the app can use.
 * @param creator null if creator info is not loaded yet or cannot be loaded now
 * @throws ProviderError `rejected`, which names the fix
 */
export function checkAudit(audited: boolean, request: TikTokRequest, creator: CreatorInfo | null): void {
  if (audited || request.mode !== 'direct') return;
  const { privacy_level: privacy } = request.postInfo;
  const isPublic = creator?.privacyLevelOptions.includes('PUBLIC_TO_EVERYONE') ?? false;
  if (privacy === 'SELF_ONLY' && !isPublic) return;
  throw new ProviderError({
    provider: 'tiktok',
    kind: 'rejected',
    code: 'unaudited_client_can_only_post_to_private_accounts',
    message:
      'TIKTOK_APP_AUDITED is false: until TikTok has audited the app, direct posts need privacy_level SELF_ONLY and a private account',
    userMessage:
      'This TikTok app has not passed TikTok’s audit. Set your TikTok account to private and choose Only me: TikTok refuses everything else. Or send the post to your TikTok inbox as a draft. Nothing was published.',
  });
}

function refuse(code: string, message: string): never {
  throw new ProviderError({
    provider: 'tiktok',
    kind: 'rejected',
    code,
    message,
    userMessage: `${message} Nothing was published.`,
  });
}
