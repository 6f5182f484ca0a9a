import { MediaRejected } from './errors.ts';
import type { Description } from './probe.ts';

/*
 * What clients say that a file is. Browsers and libraries go by the name of the file, so a claim says which family it
 * belongs to, and no more: within the family the file itself is believed.
 */

type Family = 'mp4' | 'webm' | 'image';

/** `null`: the client does not know. */
const CLAIMS: Readonly<Record<string, Family | null>> = {
  'video/mp4': 'mp4',
  'application/mp4': 'mp4',
  'video/x-m4v': 'mp4',
  'video/m4v': 'mp4',
  'video/x-mp4': 'mp4',
  'video/quicktime': 'mp4',
  'video/mov': 'mp4',
  'video/x-quicktime': 'mp4',
  'video/3gpp': 'mp4',
  'video/3gpp2': 'mp4',
  'video/webm': 'webm',
  'image/jpeg': 'image',
  'image/jpg': 'image',
  'image/pjpeg': 'image',
  'image/jfif': 'image',
  'image/x-jpeg': 'image',
  'image/x-jpg': 'image',
  'image/png': 'image',
  'image/x-png': 'image',
  'image/vnd.mozilla.apng': 'image',
  'image/apng': 'image',
  'image/webp': 'image',
  'image/x-webp': 'image',
  'application/octet-stream': null,
  'binary/octet-stream': null,
  'application/x-binary': null,
};

/** A claim without its parameters, in lower case (RFC 9110 section 8.3.1): `VIDEO/WebM; codecs=vp9` is `video/webm`. */
export function mediaTypeOf(claim: string): string {
  return claim.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Whether a file that is truly of this type can be taken. */
export function isTaken(claim: string): boolean {
  return Object.hasOwn(CLAIMS, mediaTypeOf(claim));
}

const FAMILIES: Readonly<Record<Description['container'], Family>> = {
  mp4: 'mp4',
  mov: 'mp4',
  webm: 'webm',
  jpeg: 'image',
  png: 'image',
  webp: 'image',
};

/** @throws MediaRejected `claims_mismatch` unless family and size (bytes) are what the client announced */
export function checkClaims(
  claims: { contentType: string; size: number },
  found: { container: Description['container']; contentType: string; size: number },
): void {
  const claimed = mediaTypeOf(claims.contentType);
  const family = CLAIMS[claimed];
  if (family !== null && family !== FAMILIES[found.container])
    throw new MediaRejected(
      'claims_mismatch',
      `The file was announced as ${claimed} and is ${found.contentType}.`,
    );
  if (claims.size !== found.size)
    throw new MediaRejected(
      'claims_mismatch',
      `The file was announced with ${claims.size} bytes and has ${found.size}.`,
    );
}
