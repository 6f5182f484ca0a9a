import { Type, type Static } from 'typebox';
import { addressProblem, type AddressRules, mediaUrlProblem } from '../media-urls.ts';
import { type FileFacts, fileNamed, type OurFile, type OurFiles } from '../our-files.ts';
import type { RequestProblem } from '../request-problem.ts';
import { Address, LONGEST_NAME } from '../texts.ts';
import type { MediaRef } from './media.ts';

/* How requests to Meta's platforms name files. */

/** Exactly one of three ways to name a file. */
export const fileFields = {
  mediaId: Type.Optional(Type.String({ maxLength: LONGEST_NAME, description: 'Media that is `ready`.' })),
  imageUrl: Type.Optional(Address),
  videoUrl: Type.Optional(Address),
};
const FileFields = Type.Object(fileFields);
export type FileFields = Static<typeof FileFields>;

const RIGHT_FIELDS = {
  image: ['mediaId', 'imageUrl'],
  video: ['mediaId', 'videoUrl'],
  either: ['mediaId', 'imageUrl', 'videoUrl'],
} as const;

/** A file of a request, and its known properties. */
export interface NamedFile {
  ref: MediaRef;
  /** Null: the client hosts it. */
  ours: OurFile | null;
}

/**
 * Checks how a file is named, without looking it up.
 * @param kind the required type of file; null: either
 */
export function checkFile(
  { mediaId, imageUrl, videoUrl }: FileFields,
  at: string,
  rules: AddressRules,
  kind: MediaRef['kind'] | null = null,
): RequestProblem[] {
  const given = [mediaId, imageUrl, videoUrl].filter((name) => name !== undefined);
  if (given.length === 0) {
    const right = RIGHT_FIELDS[kind ?? 'either'];
    const message = `is missing: ${right.join(' or ')} names the file`;
    return right.map((field) => ({ field: at + field, message }));
  }
  if (given.length > 1)
    return [{ field: `${at}mediaId`, message: 'or imageUrl or videoUrl: exactly one of them is required' }];
  return checkUrls({ [`${at}imageUrl`]: imageUrl, [`${at}videoUrl`]: videoUrl }, rules);
}

/** Checks URLs from which Meta is to fetch files. @returns the problems, by field */
export function checkUrls(
  urls: Readonly<Record<string, string | undefined>>,
  rules: AddressRules,
): RequestProblem[] {
  return Object.entries(urls).flatMap(([field, url]) => {
    if (url === undefined) return [];
    const message = mediaUrlProblem(url, rules) ?? (isAscii(url) ? null : 'must be US-ASCII');
    return message === null ? [] : [addressProblem(field, message)];
  });
}

/** The ids of files in our media store. */
export function mediaIdsOf(files: readonly FileFields[]): string[] {
  return files.flatMap(({ mediaId }) => (mediaId === undefined ? [] : [mediaId]));
}

/** A file, after its name was checked. @param more the post's other data about it */
export function findFile(
  ours: OurFiles,
  { mediaId, imageUrl, videoUrl }: FileFields,
  more: Pick<MediaRef, 'alt_text' | 'user_tags'> = {},
): NamedFile {
  if (mediaId === undefined) {
    const url = imageUrl ?? videoUrl;
    if (url === undefined) throw new Error('no file was named');
    return { ref: { kind: imageUrl === undefined ? 'video' : 'image', url, ...more }, ours: null };
  }
  const file = fileNamed(ours, mediaId);
  const kind = file.contentType.startsWith('image/') ? 'image' : 'video';
  return { ref: { kind, mediaId: file.id, ...more }, ours: file };
}

/**
 * The problems of a post's files; only ours are checked.
 * @param at the position of the post in the request, as in "replies.0."
 */
export function fileProblems(
  files: readonly NamedFile[],
  { at, carousel }: { at: string; carousel: boolean },
  check: (kind: MediaRef['kind'], facts: FileFacts) => RequestProblem[],
): RequestProblem[] {
  return files.flatMap(({ ref, ours }, index) =>
    ours === null
      ? []
      : check(ref.kind, ours).map((problem) => ({
          ...problem,
          field: `${at}${carousel ? `children.${index}.` : ''}${problem.field}`,
        })),
  );
}

/** The identity of a file, for the search for duplicates. */
export function sameFile({ ref, ours }: NamedFile): string {
  return ours?.sha256 ?? ref.url ?? ours?.id ?? '';
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
