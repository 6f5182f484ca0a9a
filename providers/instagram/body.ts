import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { AddressRules } from '../media-urls.ts';
import {
  checkFile,
  checkUrls,
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
import { InstagramPostInfo, type InstagramRequest, UserTags } from './request.ts';
import { checkInstagramFile, checkInstagramRequest } from './rules.ts';

const fields = {
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
};
const Body = Type.Object(fields);
type Body = Static<typeof Body>;

/** Reads requests to publish on Instagram. */
export const requests: Requests = {
  fields,
  open(given, rules) {
    const body = Value.Parse(Body, given);
    return {
      problems: checkFiles(body, rules),
      mediaIds: mediaIdsOf(filesIn(body)),
      read: (ours) => read(body, ours),
    };
  },
  bodyOf,
};

function filesIn({ mediaType, children = [], ...single }: Body): readonly FileFields[] {
  return mediaType === 'CAROUSEL' ? children : [single];
}

function read(body: Body, ours: OurFiles): ReadRequest {
  const { mediaType, postInfo = {}, children = [] } = body;
  const carousel = mediaType === 'CAROUSEL';
  const files = carousel
    ? children.map(({ alt_text, user_tags, ...file }) =>
        findFile(ours, file, {
          ...(alt_text === undefined ? {} : { alt_text }),
          ...(user_tags === undefined ? {} : { user_tags }),
        }),
      )
    : [findFile(ours, body)];
  const request: InstagramRequest = { mediaType, media: files.map(({ ref }) => ref), postInfo };
  return {
    request,
    problems: [
      ...kindProblems(mediaType, files),
      ...checkInstagramRequest(request),
      ...fileProblems(files, { at: '', carousel }, (kind, facts) => checkInstagramFile(request, kind, facts)),
    ],
    file: carousel ? null : (files[0]?.ours ?? null),
    same: [mediaType, files.map(sameFile), postInfo],
  };
}

function checkFiles(body: Body, rules: AddressRules): RequestProblem[] {
  const { mediaType, children, postInfo } = body;
  const problems = checkUrls({ 'postInfo.cover_url': postInfo?.cover_url }, rules);
  if (mediaType !== 'CAROUSEL') {
    if (children !== undefined)
      problems.push({ field: 'children', message: 'is for mediaType CAROUSEL only' });
    return [...problems, ...checkFile(body, '', rules, KINDS[mediaType])];
  }
  for (const field of ['mediaId', 'imageUrl', 'videoUrl'] as const)
    if (body[field] !== undefined) problems.push({ field, message: 'belongs to the children of a CAROUSEL' });
  if (children === undefined)
    problems.push({ field: 'children', message: 'is required by mediaType CAROUSEL' });
  return [
    ...problems,
    ...(children ?? []).flatMap((child, index) => checkFile(child, `children.${index}.`, rules)),
  ];
}

/** The type of file for each media type; null: either. */
const KINDS = { IMAGE: 'image', REELS: 'video', STORIES: null } as const;

/** A single video is a reel or a story (instagram-facts 4.1). */
function kindProblems(mediaType: Body['mediaType'], [only]: readonly NamedFile[]): RequestProblem[] {
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
