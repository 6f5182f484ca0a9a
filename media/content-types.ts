import { MediaRejected } from './errors.ts';

/*
 * What clients say that a file is. Browsers and libraries go by the name of the file (a recorder's `clip.mp4` may be a WebM), so
 * a claim only tells files that cannot be right before they are sent. Afterwards the file itself is believed.
 */

/** Names of the types that we take, and of "not known". */
const TAKEN: ReadonlySet<string> = new Set([
  'video/mp4',
  'application/mp4',
  'video/x-m4v',
  'video/m4v',
  'video/x-mp4',
  'video/mp4v-es',
  'video/mpeg4',
  'video/quicktime',
  'video/mov',
  'video/x-quicktime',
  'video/3gpp',
  'video/3gpp2',
  'video/webm',
  'video/x-webm',
  'image/jpeg',
  'image/jpg',
  'image/pjpeg',
  'image/jfif',
  'image/x-jpeg',
  'image/x-jpg',
  'image/png',
  'image/x-png',
  'image/vnd.mozilla.apng',
  'image/apng',
  'image/webp',
  'image/x-webp',
  'application/octet-stream',
  'binary/octet-stream',
  'application/x-octet-stream',
  'application/x-binary',
  'application/unknown',
  // What Android's pickers say of a file that they know no more of.
  'video/*',
  'image/*',
  '*/*',
]);

/** A claim without its parameters, in lower case (RFC 9110 section 8.3.1): `VIDEO/WebM; codecs=vp9` is `video/webm`. */
export function mediaTypeOf(claim: string): string {
  return claim.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Whether a file that is truly of this type can be taken. */
export function isTaken(claim: string): boolean {
  return TAKEN.has(mediaTypeOf(claim));
}

/** @param announced in bytes, as is `found`. @throws MediaRejected `claims_mismatch` unless they are the same */
export function checkSize(announced: number, found: number): void {
  if (announced !== found)
    throw new MediaRejected(
      'claims_mismatch',
      `The file was announced with ${announced} bytes and has ${found}.`,
    );
}
