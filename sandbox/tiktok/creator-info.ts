import type { Call, Reply, Route } from '../core/http.ts';
import type { CheckAccess } from './access.ts';
import { bannedCap, directPostCap } from './caps.ts';
import { creatorOf, type TikTok } from './context.ts';
import { envelopeErrorBody, ok, refuse } from './envelope.ts';
import type { Creator, PrivacyLevel } from './state.ts';

/** tiktok-facts 4.2. */
export function privacyLevels(creator: Creator): PrivacyLevel[] {
  if (creator.privacyLevelOptions !== undefined) return creator.privacyLevelOptions;
  const widest = creator.private ? 'FOLLOWER_OF_CREATOR' : 'PUBLIC_TO_EVERYONE';
  return [widest, 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY'];
}

export function creatorInfoRoutes(tiktok: TikTok, access: CheckAccess): Route[] {
  function query(call: Call): Reply {
    const { openId } = access(call, ['video.publish'], 'creator_info');
    if (!['', '{}'].includes(call.text.trim()))
      refuse(tiktok, 400, 'invalid_params', 'The body must be empty');
    // "Intentional" in the documentation: HTTP 200 with an error code (tiktok-facts 4.2).
    const cap = bannedCap(tiktok, openId) ?? directPostCap(tiktok, openId);
    if (cap !== undefined) refuse(tiktok, 200, cap.code, cap.message);
    const creator = creatorOf(tiktok, openId);
    return ok(tiktok, {
      creator_avatar_url: `https://p16-sign.sandbox.invalid/${creator.username}.jpeg?x-expires=7200`,
      creator_username: creator.username,
      creator_nickname: creator.displayName ?? creator.username,
      privacy_level_options: privacyLevels(creator),
      comment_disabled: creator.commentDisabled,
      duet_disabled: creator.duetDisabled || creator.private,
      stitch_disabled: creator.stitchDisabled || creator.private,
      max_video_post_duration_sec: creator.maxVideoPostDurationSec,
    });
  }

  const path = '/v2/post/publish/creator_info/query/';
  return [
    { method: 'POST', path, endpoint: 'creator_info', errorBody: envelopeErrorBody(tiktok), handle: query },
  ];
}
