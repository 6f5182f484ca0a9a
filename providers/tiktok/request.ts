import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { Words } from '../texts.ts';

const PRIVACY_LEVELS = [
  'PUBLIC_TO_EVERYONE',
  'MUTUAL_FOLLOW_FRIENDS',
  'FOLLOWER_OF_CREATOR',
  'SELF_ONLY',
] as const;

const interaction = (what: string) =>
  Type.Optional(
    Type.Boolean({
      description: `${what} are possible unless this is true, or the account forbids them; false where a direct post leaves it out. TikTok's guidelines want them off until the creator has chosen them: send true unless they have.`,
    }),
  );

/** TikTok's own field names (tiktok-facts 4.3 and 4.5). `title` of a video: at most 2200 UTF-16 units, of a photo post 90. */
export const PostInfo = Type.Object(
  {
    title: Type.Optional(Words),
    description: Type.Optional(Words),
    privacy_level: Type.Optional(Type.Enum([...PRIVACY_LEVELS])),
    disable_comment: interaction('Comments'),
    disable_duet: interaction('Duets'),
    disable_stitch: interaction('Stitches'),
    video_cover_timestamp_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
    auto_add_music: Type.Optional(Type.Boolean()),
    brand_content_toggle: Type.Optional(Type.Boolean()),
    brand_organic_toggle: Type.Optional(Type.Boolean()),
    is_aigc: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** An accepted request, as `posts.request` stores it. */
export const TikTokRequest = Type.Object({
  source: Type.Union([Type.Literal('FILE_UPLOAD'), Type.Literal('PULL_FROM_URL')]),
  mode: Type.Union([Type.Literal('inbox'), Type.Literal('direct')]),
  postInfo: PostInfo,
  videoUrl: Type.Optional(Type.String()),
  photoUrls: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 35 })),
  photoCoverIndex: Type.Optional(Type.Integer({ minimum: 0 })),
  /** A file of ours for TikTok to fetch. */
  pulled: Type.Optional(
    Type.Object({
      kind: Type.Union([Type.Literal('image'), Type.Literal('video')]),
      mediaId: Type.String(),
    }),
  ),
});
export type TikTokRequest = Static<typeof TikTokRequest>;

/** Whether it is a photo post: those have their own endpoint and rules. */
export function isPhotoPost({ photoUrls, pulled }: TikTokRequest): boolean {
  return photoUrls !== undefined || pulled?.kind === 'image';
}

/**
 * A direct post with every switch set that TikTok takes as off when it is absent: so the stored post shows every choice
 * (tiktok-facts 4.3, 4.5 and 12, row 2c).
 */
export function withSwitches(request: TikTokRequest): TikTokRequest {
  if (request.mode !== 'direct') return request;
  const ofVideos = !isPhotoPost(request) ? { disable_duet: false, disable_stitch: false } : {};
  return { ...request, postInfo: { disable_comment: false, ...ofVideos, ...request.postInfo } };
}

/** @param request as it was stored */
export function readRequest(request: unknown): TikTokRequest {
  return Value.Parse(TikTokRequest, request);
}
