import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { AddressRules } from '../media-urls.ts';
import {
  checkFile,
  fileFields,
  type FileFields,
  fileProblems,
  findFile,
  mediaIdsOf,
  type NamedFile,
  sameFile,
} from '../meta/named-files.ts';
import { bodyOf } from '../meta/stored.ts';
import type { OurFiles } from '../our-files.ts';
import type { RequestProblem } from '../request-problem.ts';
import type { ReadRequest, Requests } from '../requests.ts';
import { Words } from '../texts.ts';
import { ThreadsPostInfo, ThreadsReplyInfo, type ThreadsRequest, type ThreadsUnit } from './request.ts';
import { checkThreadsFile, checkThreadsRequest } from './rules.ts';

/** The most replies in one request; a day's quota is 1,000 (threads-facts 4.7). */
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
const fields = {
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
};
const Body = Type.Object(fields);
type Body = Static<typeof Body>;

/** The post itself or one of its replies, and its position in the body. */
interface Part {
  unit: Omit<Body, 'replies'>;
  at: string;
}

/** Reads requests to publish on Threads. */
export const requests: Requests = {
  fields,
  open(given, rules) {
    const { replies = [], ...root } = Value.Parse(Body, given);
    const parts: readonly Part[] = [
      { unit: root, at: '' },
      ...replies.map((unit, index) => ({ unit, at: `replies.${index}.` })),
    ];
    return {
      problems: parts.flatMap((part) => checkFiles(part, rules)),
      mediaIds: parts.flatMap(({ unit }) => mediaIdsOf(filesIn(unit))),
      read: (ours) => read(parts, ours),
    };
  },
  bodyOf,
};

function filesIn({ mediaType, children = [], ...single }: Part['unit']): readonly FileFields[] {
  if (mediaType === 'CAROUSEL') return children;
  return mediaType === 'TEXT' ? [] : [single];
}

function read(parts: readonly Part[], ours: OurFiles): ReadRequest {
  const [root, ...replies] = parts.map((part) => readPart(part, ours));
  if (root === undefined) throw new Error('a request has a post');
  const request: ThreadsRequest = {
    ...root.unit,
    ...(replies.length === 0 ? {} : { replies: replies.map(({ unit }) => unit) }),
  };
  const all = [root, ...replies];
  return {
    request,
    problems: [...all.flatMap(({ problems }) => problems), ...checkThreadsRequest(request)],
    file: root.unit.mediaType === 'CAROUSEL' ? null : (root.files[0]?.ours ?? null),
    same: all.flatMap(({ unit: { mediaType, postInfo }, files }) => [
      mediaType,
      files.map(sameFile),
      postInfo,
    ]),
  };
}

function readPart(
  { unit: { mediaType, postInfo = {}, children = [], ...single }, at }: Part,
  ours: OurFiles,
): { unit: ThreadsUnit; files: NamedFile[]; problems: RequestProblem[] } {
  const carousel = mediaType === 'CAROUSEL';
  const files = carousel
    ? children.map(({ alt_text, ...file }) =>
        findFile(ours, file, alt_text === undefined ? {} : { alt_text }),
      )
    : mediaType === 'TEXT'
      ? []
      : [findFile(ours, single)];
  const unit = { mediaType, media: files.map(({ ref }) => ref), postInfo };
  const problems = [...mismatches(unit, at), ...fileProblems(files, { at, carousel }, checkThreadsFile)];
  return { unit, files, problems };
}

function mismatches({ mediaType, media }: ThreadsUnit, at: string): RequestProblem[] {
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

function checkFiles({ unit, at }: Part, rules: AddressRules): RequestProblem[] {
  const { mediaType, children } = unit;
  const problems: RequestProblem[] = [];
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
    ...(single ? checkFile(unit, at, rules, mediaType === 'IMAGE' ? 'image' : 'video') : []),
    ...(children ?? []).flatMap((child, index) => checkFile(child, `${at}children.${index}.`, rules)),
  ];
}
