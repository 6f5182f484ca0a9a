import { Type, type Static } from 'typebox';
import { Words } from '../providers/texts.ts';
import {
  checkThreadsFile,
  checkThreadsRequest,
  ThreadsPostInfo,
  ThreadsReplyInfo,
  type ThreadsRequest,
  type ThreadsUnit,
} from '../providers/threads/request.ts';
import type { Deps } from './deps.ts';
import { type FieldProblem, fieldError } from './errors.ts';
import { checkFile, fileFields, fileProblems, findFile, type NamedFile, sameFile } from './meta-media.ts';
import { type DraftPost, draftPost, postingAccount, publishOptions, timesOf } from './new-post.ts';

/** How many replies one request may bring along; the day has room for 1,000 (threads-facts 4.7). */
const MOST_REPLIES = 50;

const unitFields = {
  mediaType: Type.Enum(['TEXT', 'IMAGE', 'VIDEO', 'CAROUSEL']),
  ...fileFields,
  children: Type.Optional(
    Type.Array(
      Type.Object({ ...fileFields, alt_text: Type.Optional(Words) }, { additionalProperties: false }),
      { minItems: 2, maxItems: 20, description: 'For CAROUSEL, in order.' },
    ),
  ),
};

/** Body of POST /api/threads/publish. */
export const ThreadsBody = Type.Object(
  {
    ...publishOptions,
    ...unitFields,
    postInfo: Type.Optional(ThreadsPostInfo),
    replies: Type.Optional(
      Type.Array(
        Type.Object(
          { ...unitFields, postInfo: Type.Optional(ThreadsReplyInfo) },
          { additionalProperties: false },
        ),
        {
          minItems: 1,
          maxItems: MOST_REPLIES,
          description:
            'A chain: each answers the one before it, the first the post itself. They are published in order, each once; the post is `published` when all are.',
        },
      ),
    ),
  },
  { additionalProperties: false },
);
export type ThreadsBody = Static<typeof ThreadsBody>;

/** What the post itself and each of its replies have in common. */
type UnitBody = Pick<
  ThreadsBody,
  'mediaType' | 'mediaId' | 'imageUrl' | 'videoUrl' | 'children' | 'postInfo'
>;

/** Checks a request to publish and makes a post of it. @throws ApiError */
export async function readThreads(deps: Deps, userId: string, body: ThreadsBody): Promise<DraftPost> {
  const bodies: readonly { unit: UnitBody; at: string }[] = [
    { unit: body, at: '' },
    ...(body.replies ?? []).map((unit, index) => ({ unit, at: `replies.${index}.` })),
  ];
  const allowPrivate = deps.config.allowPrivateUrls;
  const refusal = fieldError(bodies.flatMap(({ unit, at }) => checkFiles(unit, at, allowPrivate)));
  if (refusal !== null) throw refusal;
  const times = timesOf(body);
  const poster = await postingAccount(deps, userId, 'threads', body.accountId);
  const [root, ...replies] = await Promise.all(bodies.map(({ unit }) => readUnit(deps, userId, unit)));
  if (root === undefined) throw new Error('a request has a post');
  const request: ThreadsRequest = {
    ...root.unit,
    ...(replies.length === 0 ? {} : { replies: replies.map(({ unit }) => unit) }),
  };
  const wrong = fieldError([
    ...[root, ...replies].flatMap(({ unit, files }, index) => {
      const at = bodies[index]?.at ?? '';
      const place = { at, carousel: unit.mediaType === 'CAROUSEL' };
      return [...mismatches(unit, at), ...fileProblems(files, place, checkThreadsFile)];
    }),
    ...checkThreadsRequest(request),
  ]);
  if (wrong !== null) throw wrong;
  const same = [root, ...replies].flatMap(({ unit: { mediaType, postInfo }, files }) => [
    mediaType,
    files.map(sameFile),
    postInfo,
  ]);
  return draftPost(poster, body, times, {
    request,
    media: root.unit.mediaType === 'CAROUSEL' ? null : (root.files[0]?.media ?? null),
    same,
  });
}

async function readUnit(
  deps: Deps,
  userId: string,
  unit: UnitBody,
): Promise<{ unit: ThreadsUnit; files: NamedFile[] }> {
  const { mediaType, postInfo = {}, children = [] } = unit;
  const named = mediaType === 'CAROUSEL' ? children : mediaType === 'TEXT' ? [] : [unit];
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
  return { unit: { mediaType, media: files.map(({ ref }) => ref), postInfo }, files };
}

function mismatches({ mediaType, media }: ThreadsUnit, at: string): FieldProblem[] {
  const kind = media[0]?.kind;
  const mismatch = (mediaType === 'IMAGE' && kind !== 'image') || (mediaType === 'VIDEO' && kind !== 'video');
  if (!mismatch) return [];
  const wanted = mediaType === 'IMAGE' ? 'an image' : 'a video';
  return [
    {
      field: `${at}mediaType`,
      message: `is ${mediaType}, but the file is not`,
      userMessage: `The file is not ${wanted}. Choose another file.`,
    },
  ];
}

function checkFiles(unit: UnitBody, at: string, allowPrivate: boolean): FieldProblem[] {
  const { mediaType, children } = unit;
  const problems: FieldProblem[] = [];
  const problem = (field: string, message: string): void =>
    void problems.push({ field: at + field, message });
  const single = mediaType === 'IMAGE' || mediaType === 'VIDEO';
  if (mediaType !== 'CAROUSEL' && children !== undefined)
    problem('children', 'is for mediaType CAROUSEL only');
  if (mediaType === 'CAROUSEL' && children === undefined)
    problem('children', 'is required by mediaType CAROUSEL');
  if (!single)
    for (const field of ['mediaId', 'imageUrl', 'videoUrl'] as const)
      if (unit[field] !== undefined) problem(field, `is not for mediaType ${mediaType}`);
  return [
    ...problems,
    ...(single ? checkFile(unit, at, allowPrivate, mediaType === 'IMAGE' ? 'image' : 'video') : []),
    ...(children ?? []).flatMap((child, index) => checkFile(child, `${at}children.${index}.`, allowPrivate)),
  ];
}
