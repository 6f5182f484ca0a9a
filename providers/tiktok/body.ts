import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { addressProblem, type AddressRules, mediaUrlProblem } from '../media-urls.ts';
import { fileNamed, type OurFile } from '../our-files.ts';
import { contentProblem, type RequestProblem } from '../request-problem.ts';
import type { ReadRequest, Requests } from '../requests.ts';
import { Address, LONGEST_NAME } from '../texts.ts';
import { PostInfo, type TikTokRequest, withSwitches } from './request.ts';
import { checkRequest, photoProblem } from './rules.ts';

/** Exactly one of `mediaId`, `videoUrl` and `photoUrls`. */
const fields = {
  source: Type.Enum(['FILE_UPLOAD', 'PULL_FROM_URL']),
  mode: Type.Enum(['inbox', 'direct']),
  mediaId: Type.Optional(
    Type.String({
      maxLength: LONGEST_NAME,
      description:
        'A file that is `ready`. A video with source FILE_UPLOAD is sent to TikTok; with PULL_FROM_URL, as every photo, it is fetched by TikTok, which takes `TIKTOK_SITE_VERIFICATION`.',
    }),
  ),
  videoUrl: Type.Optional(Address),
  photoUrls: Type.Optional(Type.Array(Address, { minItems: 1, maxItems: 35 })),
  photoCoverIndex: Type.Optional(Type.Integer({ minimum: 0, maximum: 34 })),
  postInfo: Type.Optional(PostInfo),
};
const Body = Type.Object(fields);
type Body = Static<typeof Body>;

/** Reads requests to publish on TikTok. */
export const requests: Requests = {
  fields,
  open(given, rules) {
    const body = Value.Parse(Body, given);
    const { mediaId } = body;
    return {
      problems: checkSource(body, rules),
      mediaIds: mediaId === undefined ? [] : [mediaId],
      read: (files) => read(body, mediaId === undefined ? null : fileNamed(files, mediaId)),
    };
  },
  bodyOf({ request, mediaId }) {
    const { pulled: _ours, ...body }: Record<string, unknown> = { ...Object(request) };
    return { ...(mediaId === null ? {} : { mediaId }), ...body };
  },
};

function read(body: Body, file: OurFile | null): ReadRequest {
  const request = withSwitches(requestOf(body, file));
  const { mode, pulled } = request;
  return {
    request,
    problems: [...checkPhoto(request, file), ...checkRequest(request)],
    file,
    same: [file?.sha256 ?? file?.id ?? body.videoUrl ?? body.photoUrls, mode, body.postInfo ?? {}],
    ...(pulled === undefined ? {} : { unverified: NOT_VERIFIED }),
  };
}

/** TikTok fetches files only from a verified URL (tiktok-facts 4.8). */
const NOT_VERIFIED: RequestProblem = {
  field: 'mediaId',
  message:
    'TikTok fetches files from this server only after its URL is verified at TikTok: set TIKTOK_SITE_VERIFICATION (docs/providers/tiktok.md)',
  userMessage:
    'This installation cannot post uploaded photos to TikTok yet. Its operator must verify its URL at TikTok.',
};

function checkPhoto({ pulled }: TikTokRequest, file: OurFile | null): RequestProblem[] {
  const message = pulled?.kind === 'image' && file !== null ? photoProblem(file) : null;
  return message === null ? [] : [contentProblem('The photo', 'mediaId', message)];
}

/** The request to store. TikTok always fetches photos, whatever `source` says (tiktok-facts 4.8). */
function requestOf(body: Body, file: OurFile | null): TikTokRequest {
  const { mode, postInfo = {}, videoUrl, photoUrls, photoCoverIndex } = body;
  const kind = file?.contentType.startsWith('image/') === true ? 'image' : 'video';
  const source = kind === 'image' ? 'PULL_FROM_URL' : body.source;
  return {
    source,
    mode,
    postInfo,
    ...(videoUrl === undefined ? {} : { videoUrl }),
    ...(photoUrls === undefined ? {} : { photoUrls }),
    ...(photoCoverIndex === undefined ? {} : { photoCoverIndex }),
    ...(file === null || source === 'FILE_UPLOAD' ? {} : { pulled: { kind, mediaId: file.id } }),
  };
}

/** Checks that the fields match the source. */
function checkSource({ source, mediaId, videoUrl, photoUrls }: Body, rules: AddressRules): RequestProblem[] {
  const problems: RequestProblem[] = [];
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
    const wrong = mediaUrlProblem(url, rules);
    if (wrong !== null) problems.push(addressProblem(field, wrong));
  }
  return problems;
}
