import { Type, type Static } from 'typebox';
import { checkThreadsRequest, ThreadsPostInfo, type ThreadsRequest } from '../providers/threads/request.ts';
import type { Deps } from './deps.ts';
import { type FieldProblem, fieldError } from './errors.ts';
import { checkFile, fileFields, findFile, sameFile } from './meta-media.ts';
import { type DraftPost, draftPost, postingAccount, publishOptions, timesOf } from './new-post.ts';

/** Body of POST /api/threads/publish. */
export const ThreadsBody = Type.Object(
  {
    ...publishOptions,
    mediaType: Type.Enum(['TEXT', 'IMAGE', 'VIDEO', 'CAROUSEL']),
    ...fileFields,
    children: Type.Optional(
      Type.Array(
        Type.Object(
          { ...fileFields, alt_text: Type.Optional(Type.String()) },
          { additionalProperties: false },
        ),
        { minItems: 2, maxItems: 20, description: 'For CAROUSEL, in order.' },
      ),
    ),
    postInfo: Type.Optional(ThreadsPostInfo),
  },
  { additionalProperties: false },
);
export type ThreadsBody = Static<typeof ThreadsBody>;

/** Checks a request to publish and makes a post of it. @throws ApiError */
export async function readThreads(deps: Deps, userId: string, body: ThreadsBody): Promise<DraftPost> {
  const refusal = fieldError(checkFiles(body, deps.config.allowPrivateUrls));
  if (refusal !== null) throw refusal;
  const times = timesOf(body);
  const poster = await postingAccount(deps, userId, 'threads', body.accountId);
  const { mediaType, postInfo = {}, children = [] } = body;
  const named = mediaType === 'CAROUSEL' ? children : mediaType === 'TEXT' ? [] : [body];
  const files = await Promise.all(
    named.map((file) =>
      findFile(
        deps,
        userId,
        file,
        'alt_text' in file && typeof file.alt_text === 'string' ? { alt_text: file.alt_text } : {},
      ),
    ),
  );
  const request: ThreadsRequest = { mediaType, media: files.map(({ ref }) => ref), postInfo };
  const kind = files[0]?.ref.kind;
  const mismatch = (mediaType === 'IMAGE' && kind !== 'image') || (mediaType === 'VIDEO' && kind !== 'video');
  const wrong = fieldError([
    ...(mismatch ? [{ field: 'mediaType', message: `is ${mediaType}, but the file is not` }] : []),
    ...checkThreadsRequest(request),
  ]);
  if (wrong !== null) throw wrong;
  return draftPost(poster, body, times, {
    request,
    media: mediaType === 'CAROUSEL' ? null : (files[0]?.media ?? null),
    same: [mediaType, files.map(sameFile), postInfo],
    detail: null,
  });
}

function checkFiles(body: ThreadsBody, allowPrivate: boolean): FieldProblem[] {
  const { mediaType, children } = body;
  const problems: FieldProblem[] = [];
  const single = mediaType === 'IMAGE' || mediaType === 'VIDEO';
  if (mediaType !== 'CAROUSEL' && children !== undefined)
    problems.push({ field: 'children', message: 'is for mediaType CAROUSEL only' });
  if (mediaType === 'CAROUSEL' && children === undefined)
    problems.push({ field: 'children', message: 'is required by mediaType CAROUSEL' });
  if (!single)
    for (const field of ['mediaId', 'imageUrl', 'videoUrl'] as const)
      if (body[field] !== undefined) problems.push({ field, message: `is not for mediaType ${mediaType}` });
  return [
    ...problems,
    ...(single ? checkFile(body, '', allowPrivate) : []),
    ...(children ?? []).flatMap((child, index) => checkFile(child, `children.${index}.`, allowPrivate)),
  ];
}
