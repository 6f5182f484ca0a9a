import { ProviderError } from '../errors.ts';
import { NOTHING, OWN_FILE_NOT_FETCHED, rowOfSubcode } from './codes.ts';
import type { Platform } from './errors.ts';

const NOT_FETCHED = /2207052|2207077|download|FAILED_DOWNLOADING/i;
/**
 * Permanent failures of the media that come without a subcode. A new container may get past any other failure
 * (threads-facts 4.4).
 */
const FINAL_FAILURES: readonly (readonly [RegExp, why: string, todo: string])[] = [
  // "ASPEC" is Meta's own spelling (threads-facts 4.4).
  [
    /INVALID_ASPECT?_RATIO/,
    'The platform does not accept the aspect ratio.',
    'Crop the media or use another aspect ratio: 9:16 is best.',
  ],
  [
    /INVALID_BIT_RATE/,
    'The bit rate is higher than the platform accepts.',
    'Encode the video with a lower bit rate.',
  ],
  [
    /INVALID_DURATION/,
    'The video is too short or too long for the platform.',
    'Change its length and post again.',
  ],
  [
    /INVALID_FRAME_RATE/,
    'The platform does not accept the frame rate.',
    'Encode the video with 23 to 60 frames a second.',
  ],
  [
    /INVALID_AUDIO_CHANNEL/,
    'The platform does not accept the audio channels.',
    'Encode the audio as AAC, mono or stereo.',
  ],
  [
    /INVALID_/,
    'The platform does not accept the format of the media.',
    'Use MP4 with H.264 and AAC, or JPEG.',
  ],
  [
    NOT_FETCHED,
    'The platform could not fetch the media from its URL.',
    'The URL must serve the file itself over https, without a redirect or a login.',
  ],
];

/**
 * The error of a container that ended in ERROR: `gone` if a new container may succeed (instagram-facts 4.3,
 * threads-facts 4.4).
 */
export function containerError(
  { provider, title }: Platform,
  detail: string | null,
  ownFiles: boolean,
): ProviderError {
  const [subcode] = /\b2207\d{3}\b/.exec(detail ?? '') ?? [];
  const row = subcode === undefined ? null : rowOfSubcode(subcode);
  const [, why, todo] =
    row === null ? (FINAL_FAILURES.find(([pattern]) => pattern.test(detail ?? '')) ?? []) : [];
  const final = row === null ? why !== undefined : row.kind === 'rejected';
  const ours = ownFiles && NOT_FETCHED.test(detail ?? '');
  return new ProviderError({
    provider,
    kind: !final || ours ? 'gone' : 'rejected',
    code: 'media_refused',
    message: `${title} could not use the media: ${detail ?? 'no reason given'}`,
    userMessage: `${why ?? `${title} could not process the media.`} ${NOTHING} ${todo ?? 'Re-encode the file, or try another one.'}`,
    ...(row?.kind === 'rejected' ? { code: row.code, userMessage: row.userMessage } : {}),
    ...(ours ? { userMessage: OWN_FILE_NOT_FETCHED } : {}),
    providerCode: subcode ?? detail,
    providerMessage: detail,
  });
}
