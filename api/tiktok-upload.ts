import { Type, type Static } from 'typebox';
import type { Account } from '../db/accounts.ts';
import type { Media } from '../db/media.ts';
import { contentProblem } from '../providers/request-problem.ts';
import type { MediaFacts } from '../providers/publishing.ts';
import { Address } from '../providers/texts.ts';
import {
  checkRequest,
  photoProblem,
  PostInfo,
  type TikTokRequest,
  withSwitches,
} from '../providers/tiktok/request.ts';
import type { Deps } from './deps.ts';
import { apiError, type FieldProblem, fieldError } from './errors.ts';
import {
  type DraftPost,
  draftPost,
  postingAccount,
  publishOptions,
  readyMedia,
  requirePermission,
  timesOf,
} from './new-post.ts';
import { LONGEST_ID } from './schemas.ts';
import { addressProblem, mediaUrlProblem } from './urls.ts';

/** Body of POST /api/tiktok/upload. Exactly one of `mediaId`, `videoUrl` and `photoUrls`. */
export const UploadBody = Type.Object(
  {
    ...publishOptions,
    source: Type.Enum(['FILE_UPLOAD', 'PULL_FROM_URL']),
    mode: Type.Enum(['inbox', 'direct']),
    mediaId: Type.Optional(
      Type.String({
        maxLength: LONGEST_ID,
        description:
          'A file that is `ready`. A video with source FILE_UPLOAD is sent to TikTok; with PULL_FROM_URL, as every photo, it is fetched by TikTok, which takes `TIKTOK_SITE_VERIFICATION`.',
      }),
    ),
    videoUrl: Type.Optional(Address),
    photoUrls: Type.Optional(Type.Array(Address, { minItems: 1, maxItems: 35 })),
    photoCoverIndex: Type.Optional(Type.Integer({ minimum: 0, maximum: 34 })),
    postInfo: Type.Optional(PostInfo),
  },
  { additionalProperties: false },
);
export type UploadBody = Static<typeof UploadBody>;

/** Whether a post fits what its account may do right now. @throws ProviderError `rejected` */
export type CreatorCheck = (
  account: Account,
  request: TikTokRequest,
  media: MediaFacts | null,
) => Promise<void>;

/** Checks an upload and makes a post of it. @throws ApiError, ProviderError */
export async function readUpload(
  deps: Deps,
  checkAgainstCreatorInfo: CreatorCheck,
  userId: string,
  body: UploadBody,
): Promise<DraftPost> {
  const wrongSource = fieldError(checkSource(body, deps.config.allowPrivateUrls));
  if (wrongSource !== null) throw wrongSource;
  const times = timesOf(body);
  const poster = await postingAccount(deps, userId, 'tiktok', body.accountId);
  const media = body.mediaId === undefined ? null : await readyMedia(deps, userId, body.mediaId);
  const request = withSwitches(requestOf(body, media));
  const wrong = fieldError([...checkPhoto(request, media), ...checkRequest(request)]);
  if (wrong !== null) throw wrong;
  if (request.pulled !== undefined && deps.config.siteVerification === null)
    throw apiError('site_not_verified', { details: { field: 'mediaId' } });
  // Creator info needs the permission, too.
  requirePermission(poster, request);
  await checkAgainstCreatorInfo(poster.account, request, media);

  const { mode } = request;
  return draftPost(poster, body, times, {
    request,
    media,
    same: [media?.sha256 ?? media?.id ?? body.videoUrl ?? body.photoUrls, mode, body.postInfo ?? {}],
  });
}

function checkPhoto({ pulled }: TikTokRequest, media: MediaFacts | null): FieldProblem[] {
  const message = pulled?.kind === 'image' && media !== null ? photoProblem(media) : null;
  return message === null ? [] : [contentProblem('The photo', 'mediaId', message)];
}

/**
 * The part of a body that is TikTok's: what the post remembers. Photos are always fetched by TikTok, whatever `source` says
 * (tiktok-facts 4.8).
 */
function requestOf(body: UploadBody, media: Media | null): TikTokRequest {
  const { mode, postInfo = {}, videoUrl, photoUrls, photoCoverIndex } = body;
  const kind = media?.contentType.startsWith('image/') === true ? 'image' : 'video';
  const source = kind === 'image' ? 'PULL_FROM_URL' : body.source;
  return {
    source,
    mode,
    postInfo,
    ...(videoUrl === undefined ? {} : { videoUrl }),
    ...(photoUrls === undefined ? {} : { photoUrls }),
    ...(photoCoverIndex === undefined ? {} : { photoCoverIndex }),
    ...(media === null || source === 'FILE_UPLOAD' ? {} : { pulled: { kind, mediaId: media.id } }),
  };
}

/** Which fields belong to which source. */
function checkSource(
  { source, mediaId, videoUrl, photoUrls }: UploadBody,
  allowPrivate: boolean,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const problem = (field: string, message: string): void => void problems.push({ field, message });
  if (source === 'FILE_UPLOAD') {
    if (mediaId === undefined) problem('mediaId', 'is required by source FILE_UPLOAD');
    if (videoUrl !== undefined) problem('videoUrl', 'is for source PULL_FROM_URL only');
    if (photoUrls !== undefined) problem('photoUrls', 'is for source PULL_FROM_URL only');
    return problems;
  }
  const given = [mediaId, videoUrl, photoUrls].filter((one) => one !== undefined);
  if (given.length !== 1) {
    problem('videoUrl', 'or photoUrls or mediaId: exactly one of them is required by source PULL_FROM_URL');
    problem('photoUrls', 'or videoUrl or mediaId: exactly one of them is required by source PULL_FROM_URL');
  }
  const urls = [
    ...(videoUrl === undefined ? [] : [['videoUrl', videoUrl] as const]),
    ...(photoUrls ?? []).map((url, index) => [`photoUrls.${index}`, url] as const),
  ];
  for (const [field, url] of urls) {
    const wrong = mediaUrlProblem(url, allowPrivate);
    if (wrong !== null) problems.push(addressProblem(field, wrong));
  }
  return problems;
}
