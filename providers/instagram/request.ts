import { Type, type Static } from 'typebox';
import { MediaRef } from '../meta/media.ts';
import type { MediaFacts, RequestProblem } from '../provider.ts';

const UserTag = Type.Object(
  {
    username: Type.String(),
    x: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    y: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  { additionalProperties: false },
);
export const UserTags = Type.Array(UserTag);

/** Meta's own field names (sheet instagram section 4.1). */
export const InstagramPostInfo = Type.Object(
  {
    caption: Type.Optional(Type.String()),
    alt_text: Type.Optional(Type.String()),
    user_tags: Type.Optional(UserTags),
    location_id: Type.Optional(Type.String()),
    collaborators: Type.Optional(Type.Array(Type.String())),
    cover_url: Type.Optional(Type.String()),
    thumb_offset: Type.Optional(Type.Integer({ minimum: 0 })),
    share_to_feed: Type.Optional(Type.Boolean()),
    audio_name: Type.Optional(Type.String()),
    is_ai_generated: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type InstagramPostInfo = Static<typeof InstagramPostInfo>;

/** A post as the API accepted it: what `posts.request` holds. */
export const InstagramRequest = Type.Object({
  mediaType: Type.Union([
    Type.Literal('IMAGE'),
    Type.Literal('REELS'),
    Type.Literal('STORIES'),
    Type.Literal('CAROUSEL'),
  ]),
  /** In order; one but for CAROUSEL. */
  media: Type.Array(MediaRef),
  postInfo: InstagramPostInfo,
});
export type InstagramRequest = Static<typeof InstagramRequest>;

const MB = 1_000_000;
const ONLY_REELS = ['cover_url', 'thumb_offset', 'share_to_feed', 'audio_name'] as const;

/**
 * The sheet's rules on a request that need no account (4.1); empty when it is right. `rule` names each for good.
 */
export function checkInstagramRequest({ mediaType, media, postInfo }: InstagramRequest): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const problem = (field: string, rule: string, message: string): void =>
    void problems.push({ field: `postInfo.${field}`, rule, message });
  const { caption = '', collaborators = [] } = postInfo;

  if (Array.from(caption).length > 2200)
    problem('caption', 'caption_length', 'is longer than 2200 characters; shorten it');
  if ((caption.match(/#[\p{L}\p{N}_]+/gu) ?? []).length > 30)
    problem('caption', 'caption_hashtags', 'has more than 30 hashtags; take some away');
  if ((caption.match(/(?<![\p{L}\p{N}_.])@[\w.]+/gu) ?? []).length > 20)
    problem('caption', 'caption_mentions', 'has more than 20 mentions; take some away');
  if (collaborators.length > 3)
    problem('collaborators', 'collaborators_count', 'are more than 3; take some away');
  if (mediaType === 'STORIES' && collaborators.length > 0)
    problem('collaborators', 'collaborators_story', 'are not possible for stories; leave them out');
  const alts = [postInfo.alt_text, ...media.map((one) => one.alt_text)];
  if (alts.some((alt) => (alt?.length ?? 0) > 1000))
    problem('alt_text', 'alt_text_length', 'is longer than 1000 characters; shorten it');
  if (postInfo.alt_text !== undefined && mediaType !== 'IMAGE')
    problem('alt_text', 'alt_text_image', 'is for single images; give it to the children of a carousel');
  if (mediaType !== 'REELS')
    for (const field of ONLY_REELS)
      if (postInfo[field] !== undefined) problem(field, 'reels_only', 'is for REELS only; leave it out');
  if (
    mediaType === 'IMAGE' &&
    (postInfo.user_tags ?? []).some(({ x, y }) => x === undefined || y === undefined)
  )
    problem('user_tags', 'user_tags_position', 'need x and y on an image');
  if (mediaType === 'CAROUSEL' && postInfo.user_tags !== undefined)
    problem('user_tags', 'user_tags_children', 'belong to the children of a carousel');
  if (mediaType === 'CAROUSEL' && (media.length < 2 || media.length > 10))
    problems.push({ field: 'children', rule: 'carousel_count', message: 'must be 2 to 10' });
  return problems;
}

/** The sheet's rules on a file of ours, as it was probed (section 4.6). */
export function checkInstagramMedia(
  mediaType: InstagramRequest['mediaType'],
  kind: 'image' | 'video',
  facts: MediaFacts & { width: number | null; height: number | null },
): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const problem = (rule: string, message: string): void =>
    void problems.push({ field: 'mediaId', rule, message });
  const { size, durationMs, width, height, contentType } = facts;
  const ratio = width !== null && height !== null && height > 0 ? width / height : null;
  if (kind === 'image') {
    if (contentType !== 'image/jpeg') problem('image_format', 'must be a JPEG; convert it');
    if (size > 8 * MB) problem('image_size', 'is larger than 8 MB; save it smaller');
    if (mediaType !== 'STORIES' && ratio !== null && (ratio < 0.8 || ratio > 1.91))
      problem('image_ratio', 'has a ratio outside 4:5 to 1.91:1; crop it');
    return problems;
  }
  const story = mediaType === 'STORIES';
  const longest = story ? 60 : 15 * 60;
  if (size > (story ? 100 : 300) * MB)
    problem('video_size', `is larger than ${story ? 100 : 300} MB; encode it smaller`);
  if (durationMs !== null && (durationMs < 3000 || durationMs > longest * 1000))
    problem('video_duration', `lasts ${Math.round(durationMs / 1000)} s; 3 to ${longest} s are allowed`);
  if (ratio !== null && (ratio < (story ? 0.1 : 0.01) || ratio > 10))
    problem('video_ratio', 'has a ratio that is not accepted; 9:16 is best');
  return problems;
}
