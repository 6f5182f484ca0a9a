import { Type, type Static } from 'typebox';
import { type Account, findAccount } from '../db/accounts.ts';
import { findMedia, type Media } from '../db/media.ts';
import type { NewPost } from '../db/posts.ts';
import type { MediaFacts } from '../providers/provider.ts';
import { checkRequest, PostInfo, type TikTokRequest } from '../providers/tiktok/request.ts';
import { hashOf } from './canonical.ts';
import type { Deps } from './deps.ts';
import { apiError, type FieldProblem, fieldError } from './errors.ts';
import { deadlineAt, dueAt } from './schedule.ts';
import { isUuid, Time } from './schemas.ts';
import { mediaUrlProblem } from './urls.ts';

/** Body of POST /api/tiktok/upload. Exactly one of `mediaId`, `videoUrl` and `photoUrls`. */
export const UploadBody = Type.Object(
  {
    accountId: Type.String(),
    source: Type.Enum(['FILE_UPLOAD', 'PULL_FROM_URL']),
    mode: Type.Enum(['inbox', 'direct']),
    mediaId: Type.Optional(Type.String({ description: 'For FILE_UPLOAD: media that is `ready`.' })),
    videoUrl: Type.Optional(Type.String({ maxLength: 2000 })),
    photoUrls: Type.Optional(Type.Array(Type.String({ maxLength: 2000 }), { minItems: 1, maxItems: 35 })),
    photoCoverIndex: Type.Optional(Type.Integer({ minimum: 0, maximum: 34 })),
    postInfo: Type.Optional(PostInfo),
    scheduledAt: Type.Optional(Time),
    deadline: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'When waiting for quota, account or TikTok is given up: at most, and without it, 72 hours after the post is due.',
      }),
    ),
    onQuota: Type.Optional(Type.Enum(['wait', 'fail'])),
    allowDuplicate: Type.Optional(Type.Boolean()),
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
): Promise<Omit<NewPost, 'userId' | 'idempotencyKey' | 'requestHash' | 'requestId'>> {
  const { db } = deps.database;
  const request = requestOf(body);
  const refusal = fieldError([...checkSource(body, deps.config.allowPrivateUrls), ...checkRequest(request)]);
  if (refusal !== null) throw refusal;
  const due = body.scheduledAt === undefined ? null : dueAt(body.scheduledAt);
  const deadline = deadlineAt(body.deadline, due);

  const account = isUuid(body.accountId) ? await findAccount(db, userId, body.accountId) : null;
  const provider = deps.providers.tiktok;
  if (account?.provider !== 'tiktok' || provider === null) throw apiError('account_not_found');
  if (account.status === 'disconnected')
    throw apiError('account_disconnected', {
      details: { status: account.status, statusReason: account.statusReason },
    });
  const media = body.mediaId === undefined ? null : await readyMedia(deps, userId, body.mediaId);

  await checkAgainstCreatorInfo(account, request, media);

  const { mode, postInfo, source } = request;
  const plan = provider.publishing.plan(request);
  // Who does not want to wait is told now, while there is somebody to tell; a scheduled post has to see when it is due.
  const now = due === null || due.getTime() <= Date.now();
  const hold = body.onQuota === 'fail' && now ? provider.publishing.quotasOf('init', request) : [];
  return {
    oauthAccountId: account.id,
    provider: account.provider,
    mediaId: media?.id ?? null,
    totalBytes: media?.size ?? null,
    request,
    plan,
    hold,
    fingerprint: hashOf([
      account.id,
      media?.sha256 ?? media?.id ?? body.videoUrl ?? body.photoUrls,
      mode,
      postInfo,
    ]),
    onQuota: body.onQuota ?? 'wait',
    scheduledAt: due,
    deadlineAt: deadline,
    allowDuplicate: body.allowDuplicate ?? false,
    detail: { provider: 'tiktok', source, mode, title: postInfo.title ?? null },
  };
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
  if ((videoUrl === undefined) === (photoUrls === undefined))
    problem('videoUrl', 'or photoUrls: exactly one of them is required by source PULL_FROM_URL');
  const urls = [
    ...(videoUrl === undefined ? [] : [['videoUrl', videoUrl] as const]),
    ...(photoUrls ?? []).map((url, index) => [`photoUrls.${index}`, url] as const),
  ];
  for (const [field, url] of urls) {
    const wrong = mediaUrlProblem(url, allowPrivate);
    if (wrong !== null) problem(field, wrong);
  }
  return problems;
}

async function readyMedia({ database: { db } }: Deps, userId: string, id: string): Promise<Media> {
  const media = isUuid(id) ? await findMedia(db, userId, id) : null;
  if (media === null) throw apiError('media_not_found');
  const { state, rejectedReason } = media;
  if (state !== 'ready')
    throw apiError('media_not_ready', {
      message: `the media is ${state}`,
      details: { state, rejectedReason },
    });
  return media;
}
