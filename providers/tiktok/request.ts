import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { contentProblem, type RequestProblem } from '../request-problem.ts';
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

/** A post as the API accepted it: what `posts.request` holds. */
export const TikTokRequest = Type.Object({
  source: Type.Union([Type.Literal('FILE_UPLOAD'), Type.Literal('PULL_FROM_URL')]),
  mode: Type.Union([Type.Literal('inbox'), Type.Literal('direct')]),
  postInfo: PostInfo,
  videoUrl: Type.Optional(Type.String()),
  photoUrls: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 35 })),
  photoCoverIndex: Type.Optional(Type.Integer({ minimum: 0 })),
  /** A file of ours that TikTok fetches. */
  pulled: Type.Optional(
    Type.Object({
      kind: Type.Union([Type.Literal('image'), Type.Literal('video')]),
      mediaId: Type.String(),
    }),
  ),
});
export type TikTokRequest = Static<typeof TikTokRequest>;

/** Whether it is a photo post: these have an endpoint and rules of their own. */
export function isPhotoPost({ photoUrls, pulled }: TikTokRequest): boolean {
  return photoUrls !== undefined || pulled?.kind === 'image';
}

const PHOTO_TYPES = ['image/jpeg', 'image/webp'];
const MOST_PHOTO_BYTES = 20_000_000;

/** What is wrong with a photo of ours (tiktok-facts 4.12); null: nothing. */
export function photoProblem({ contentType, size }: { contentType: string; size: number }): string | null {
  if (!PHOTO_TYPES.includes(contentType)) return 'is no JPEG or WebP, and TikTok takes no other images';
  return size > MOST_PHOTO_BYTES ? 'is larger than the 20 MB that TikTok takes' : null;
}

/**
 * A direct post with every switch that TikTok takes as off where it is absent: so the post says what was chosen for it
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

const INBOX_FIELDS = new Set(['title']);
const INBOX_PHOTO_FIELDS = new Set(['title', 'description']);
const PHOTO_ONLY = ['description', 'auto_add_music'] as const;
const VIDEO_ONLY = ['disable_duet', 'disable_stitch', 'video_cover_timestamp_ms'] as const;

/** TikTok's rules on a request that need no account (tiktok-facts 4.3 to 4.5, 4.13); empty when it is right. */
export function checkRequest(request: TikTokRequest): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const { mode, postInfo, photoUrls, photoCoverIndex } = request;
  const photo = isPhotoPost(request);
  const problem = (field: string, message: string): void =>
    void problems.push({ field: `postInfo.${field}`, message });
  const content = (subject: string, field: string, message: string): void =>
    void problems.push(contentProblem(subject, `postInfo.${field}`, message));

  for (const field of photo ? VIDEO_ONLY : PHOTO_ONLY)
    if (postInfo[field] !== undefined)
      problem(field, `is for ${photo ? 'videos' : 'photo posts'} only; leave it out`);
  if (mode === 'inbox') {
    const allowed = photo ? INBOX_PHOTO_FIELDS : INBOX_FIELDS;
    for (const field of Object.keys(postInfo))
      if (!allowed.has(field))
        problem(field, 'is not used by mode inbox (the creator sets it in the TikTok app); leave it out');
  } else if (postInfo.privacy_level === undefined) {
    problems.push({
      field: 'postInfo.privacy_level',
      message: 'is required by mode direct: one of the options that creator-info lists',
      userMessage: 'Choose who may see the post.',
    });
  }
  const longestTitle = photo ? 90 : 2200;
  if ((postInfo.title?.length ?? 0) > longestTitle)
    content('The title', 'title', `is longer than ${longestTitle} UTF-16 units`);
  if ((postInfo.description?.length ?? 0) > 4000)
    content('The description', 'description', 'is longer than 4000 UTF-16 units');
  if (postInfo.brand_content_toggle === true && postInfo.privacy_level === 'SELF_ONLY')
    problems.push({
      field: 'postInfo.privacy_level',
      message: 'branded content cannot be SELF_ONLY; choose another level',
      userMessage: 'Branded content visibility cannot be set to private. Choose who else may see the post.',
    });
  if (photoCoverIndex !== undefined && (!photo || photoCoverIndex >= (photoUrls?.length ?? 1)))
    problems.push({ field: 'photoCoverIndex', message: 'must be the 0-based position of one of photoUrls' });
  return problems;
}
