import { MediaRejected } from './errors.ts';

/*
 * The content types that clients claim. Browsers and libraries derive the type from the file's name (a recorder's
 * `clip.mp4` may be a WebM), so a claim only serves to refuse hopeless files before they are sent. After the upload,
 * only the file itself counts.
 */

/** All names of the types that we accept, and names for "unknown". */
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
  // Android's file pickers send these if they know no more.
  'video/*',
  'image/*',
  '*/*',
]);

/**
 * A claimed type without its parameters, in lower case (RFC 9110 section 8.3.1): `VIDEO/WebM; codecs=vp9` is
 * `video/webm`.
 */
export function mediaTypeOf(claim: string): string {
  return claim.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Whether we accept files that really are of this type. */
export function isTaken(claim: string): boolean {
  return TAKEN.has(mediaTypeOf(claim));
}

/** @param announced size in bytes, as is `found`. @throws MediaRejected `claims_mismatch` if they differ */
export function checkSize(announced: number, found: number): void {
  if (announced !== found)
    throw new MediaRejected(
      'claims_mismatch',
      `The file was announced with ${announced} bytes and has ${found}.`,
    );
}
