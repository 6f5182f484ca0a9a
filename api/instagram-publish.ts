import { Type, type Static } from 'typebox';
import {
  checkInstagramFile,
  checkInstagramRequest,
  InstagramPostInfo,
  type InstagramRequest,
  UserTags,
} from '../providers/instagram/request.ts';
import { Words } from '../providers/texts.ts';
import type { Deps } from './deps.ts';
import { type FieldProblem, fieldError } from './errors.ts';
import {
  checkFile,
  checkUrls,
  fileFields,
  fileProblems,
  findFile,
  type NamedFile,
  sameFile,
} from './meta-media.ts';
import { type DraftPost, draftPost, postingAccount, publishOptions, timesOf } from './new-post.ts';

/** Body of POST /api/instagram/publish. */
export const InstagramBody = Type.Object(
  {
    ...publishOptions,
    mediaType: Type.Enum(['IMAGE', 'REELS', 'STORIES', 'CAROUSEL']),
    ...fileFields,
    children: Type.Optional(
      Type.Array(
        Type.Object(
          { ...fileFields, alt_text: Type.Optional(Words), user_tags: Type.Optional(UserTags) },
          { additionalProperties: false },
        ),
        { minItems: 2, maxItems: 10, description: 'For CAROUSEL, in order.' },
      ),
    ),
    postInfo: Type.Optional(InstagramPostInfo),
  },
  { additionalProperties: false },
);
export type InstagramBody = Static<typeof InstagramBody>;

/** Checks a request to publish and makes a post of it. @throws ApiError */
export async function readInstagram(deps: Deps, userId: string, body: InstagramBody): Promise<DraftPost> {
  const refusal = fieldError(checkFiles(body, deps.config.allowPrivateUrls));
  if (refusal !== null) throw refusal;
  const times = timesOf(body);
  const poster = await postingAccount(deps, userId, 'instagram', body.accountId);
  const files = await Promise.all(
    body.mediaType === 'CAROUSEL'
      ? (body.children ?? []).map(({ alt_text, user_tags, ...file }) =>
          findFile(deps, userId, file, {
            ...(alt_text === undefined ? {} : { alt_text }),
            ...(user_tags === undefined ? {} : { user_tags }),
          }),
        )
      : [findFile(deps, userId, body)],
  );
  const { mediaType, postInfo = {} } = body;
  const request: InstagramRequest = { mediaType, media: files.map(({ ref }) => ref), postInfo };
  const wrong = fieldError([
    ...kindProblems(mediaType, files),
    ...checkInstagramRequest(request),
    ...fileProblems(files, { at: '', carousel: mediaType === 'CAROUSEL' }, (kind, facts) =>
      checkInstagramFile(request, kind, facts),
    ),
  ]);
  if (wrong !== null) throw wrong;
  const [only] = files;
  return draftPost(poster, body, times, {
    request,
    media: mediaType === 'CAROUSEL' ? null : (only?.media ?? null),
    same: [mediaType, files.map(sameFile), postInfo],
  });
}

function checkFiles(body: InstagramBody, allowPrivate: boolean): FieldProblem[] {
  const { mediaType, children, postInfo } = body;
  const problems = checkUrls({ 'postInfo.cover_url': postInfo?.cover_url }, allowPrivate);
  if (mediaType !== 'CAROUSEL') {
    if (children !== undefined)
      problems.push({ field: 'children', message: 'is for mediaType CAROUSEL only' });
    return [...problems, ...checkFile(body, '', allowPrivate, KINDS[mediaType])];
  }
  for (const field of ['mediaId', 'imageUrl', 'videoUrl'] as const)
    if (body[field] !== undefined) problems.push({ field, message: 'belongs to the children of a CAROUSEL' });
  if (children === undefined)
    problems.push({ field: 'children', message: 'is required by mediaType CAROUSEL' });
  return [
    ...problems,
    ...(children ?? []).flatMap((child, index) => checkFile(child, `children.${index}.`, allowPrivate)),
  ];
}

/** What the file of a media type is; null: either. */
const KINDS = { IMAGE: 'image', REELS: 'video', STORIES: null } as const;

/** A single video is a reel or a story (instagram-facts 4.1). */
function kindProblems(mediaType: InstagramBody['mediaType'], [only]: readonly NamedFile[]): FieldProblem[] {
  const kind = only?.ref.kind;
  if (mediaType === 'IMAGE' && kind === 'video')
    return [
      {
        field: 'mediaType',
        message: 'IMAGE needs an image; publish a video as REELS',
        userMessage: 'The file is a video. Publish it as a reel, or choose an image.',
      },
    ];
  if (mediaType === 'REELS' && kind === 'image')
    return [
      {
        field: 'mediaType',
        message: 'REELS needs a video; publish an image as IMAGE',
        userMessage: 'The file is an image. Publish it as one, or choose a video.',
      },
    ];
  return [];
}
