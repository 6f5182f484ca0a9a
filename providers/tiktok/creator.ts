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
 * @throws ProviderError; some refusals come with HTTP 200 on purpose (tiktok-facts 4.2)
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
 * Whether a direct post fits what the account may do. Switches need no check: TikTok forces a disable_* to true where
 * the account forbids it (tiktok-facts 4.3).
 * @throws ProviderError `rejected` with what to change
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
      `privacy_level ${privacy} is not offered by this account; choose one of ${creator.privacyLevelOptions.join(', ')}.`,
    );
  const longest = creator.maxVideoPostDurationSec;
  // The duration says nothing about photos (tiktok-facts 4.2).
  if (isPhotoPost(request) || longest === null || media?.durationMs == null) return;
  if (media.durationMs > longest * 1000)
    refuse(
      'video_too_long',
      `The video lasts ${Math.ceil(media.durationMs / 1000)} s, but this account may post at most ${longest} s.`,
    );
}

/**
 * What TikTok refuses until it has audited the app: a direct post that is not SELF_ONLY, and an account that is not private,
 * whose options offer everyone (tiktok-facts 4.2 and 4.13). Creator info may offer more than the app can use.
 * @param creator null: not asked yet, or it cannot be asked now
 * @throws ProviderError `rejected` with what to do
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
      'TIKTOK_APP_AUDITED is false: until TikTok has audited the app, direct posts need privacy_level SELF_ONLY and an account that is set to private',
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
