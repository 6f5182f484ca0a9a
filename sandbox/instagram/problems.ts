import { refuseGraph, type GraphError } from '../meta/errors.ts';

/** The errors of instagram-facts 5.2, by problem. */
export const PROBLEMS = {
  notFetched: [9_004, 2_207_052, 'Only photo or video can be accepted as media type.'],
  downloadFailed: [-1, 2_207_077, 'Media download has failed.'],
  tooLarge: [36_000, 2_207_004, 'The image is too large to download. It should be less than 8 MiB.'],
  imageFormat: [36_001, 2_207_005, 'The image format is not supported.'],
  ratio: [36_003, 2_207_009, 'The submitted image with aspect ratio cannot be published.'],
  caption: [36_004, 2_207_010, 'The submitted caption was too long.'],
  videoFormat: [352, 2_207_026, 'The video file you selected is in a format that we don’t support.'],
  uploadFailed: [-1, 2_207_053, 'An unknown upload error occurred.'],
  thumbOffset: [
    1,
    2_207_057,
    'Thumbnail offset must be greater than or equal to 0 and less than video duration.',
  ],
  mediaType: [100, 2_207_023, 'The media type is unknown.'],
  itemCount: [100, 2_207_028, 'Your post won’t work as a carousel: it needs 2 to 10 photos or videos.'],
  productTags: [100, 2_207_040, 'Too many product tags.'],
  standaloneVideo: [100, 2_207_089, 'The VIDEO value for media_type is no longer supported. Use REELS.'],
  notReady: [9_007, 2_207_027, 'Media ID is not available'],
  containerMissing: [24, 2_207_008, 'The requested resource does not exist'],
  mediaNotFound: [24, 2_207_006, 'The requested resource does not exist'],
  quota: [9, 2_207_042, 'Application request limit reached'],
  restricted: [25, 2_207_050, 'The Instagram account is restricted.'],
} as const satisfies Record<string, readonly [number, number, string]>;
export type Problem = keyof typeof PROBLEMS;

export function problemError(problem: Problem): GraphError {
  const [code, subcode, message] = PROBLEMS[problem];
  return { code, subcode, message, title: message };
}

export function refuseFor(problem: Problem, status?: number): never {
  refuseGraph({ ...problemError(problem), status });
}

export function badParam(message: string): never {
  return refuseGraph({ code: 100, message: `(#100) ${message}` });
}
