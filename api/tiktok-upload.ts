import { Type, type Static } from 'typebox';
import type { Account } from '../db/accounts.ts';
import { contentProblem, type MediaFacts } from '../providers/provider.ts';
import { Address } from '../providers/texts.ts';
import { checkRequest, PostInfo, type TikTokRequest, withSwitches } from '../providers/tiktok/request.ts';
import type { Deps } from './deps.ts';
import { type FieldProblem, fieldError } from './errors.ts';
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
      Type.String({ maxLength: LONGEST_ID, description: 'For FILE_UPLOAD: a video that is `ready`.' }),
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
  const request = withSwitches(requestOf(body));
  const refusal = fieldError([...checkSource(body, deps.config.allowPrivateUrls), ...checkRequest(request)]);
  if (refusal !== null) throw refusal;
  const times = timesOf(body);
  const poster = await postingAccount(deps, userId, 'tiktok', body.accountId);
  const media = body.mediaId === undefined ? null : await readyMedia(deps, userId, body.mediaId);
  const wrongFile = fieldError(checkFile(media));
  if (wrongFile !== null) throw wrongFile;
  // Creator info needs the permission, too.
  requirePermission(poster, request);
  await checkAgainstCreatorInfo(poster.account, request, media);

  const { mode, postInfo, source } = request;
  return draftPost(poster, body, times, {
    request,
    media,
    same: [media?.sha256 ?? media?.id ?? body.videoUrl ?? body.photoUrls, mode, body.postInfo ?? {}],
    detail: { table: 'tiktok_posts', source, mode, title: postInfo.title ?? null },
  });
}

/** Files are videos only: TikTok fetches photos by itself (sheet section 4.7). */
function checkFile(media: MediaFacts | null): FieldProblem[] {
  return media?.contentType.startsWith('image/') === true
    ? [contentProblem('The file', 'mediaId', 'is an image; photos are published by source PULL_FROM_URL')]
    : [];
}

/** The part of a body that is TikTok's: what the post remembers. */
function requestOf({
  source,
  mode,
  postInfo = {},
  videoUrl,
  photoUrls,
  photoCoverIndex,
}: UploadBody): TikTokRequest {
  return {
    source,
    mode,
    postInfo,
    ...(videoUrl === undefined ? {} : { videoUrl }),
    ...(photoUrls === undefined ? {} : { photoUrls }),
    ...(photoCoverIndex === undefined ? {} : { photoCoverIndex }),
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
  if (mediaId !== undefined) problem('mediaId', 'is for source FILE_UPLOAD only');
  if ((videoUrl === undefined) === (photoUrls === undefined)) {
    problem('videoUrl', 'or photoUrls: exactly one of them is required by source PULL_FROM_URL');
    if (mediaId === undefined)
      problem('photoUrls', 'or videoUrl: exactly one of them is required by source PULL_FROM_URL');
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
