import { Type, type Static } from 'typebox';
import { addressProblem, type AddressRules, mediaUrlProblem } from '../media-urls.ts';
import { type FileFacts, fileNamed, type OurFile, type OurFiles } from '../our-files.ts';
import type { RequestProblem } from '../request-problem.ts';
import { Address, LONGEST_NAME } from '../texts.ts';
import type { MediaRef } from './media.ts';

/* How the bodies of Meta's platforms name files. */

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

/** A file of a request, and what we know of it. */
export interface NamedFile {
  ref: MediaRef;
  /** Null: the client has put it online. */
  ours: OurFile | null;
}

/**
 * What is wrong with the names of a file, without looking for it.
 * @param kind what the file must be; null: either
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

/** What is wrong with URLs from which Meta is to fetch files, by field. */
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

/** The ids of those that are ours. */
export function mediaIdsOf(files: readonly FileFields[]): string[] {
  return files.flatMap(({ mediaId }) => (mediaId === undefined ? [] : [mediaId]));
}

/** A file that was named rightly. @param more what else the post says about it */
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
 * What is wrong with the files of a post, as far as they are ours.
 * @param at where the post stands in the request, as in "replies.0."
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

/** What makes two files the same one. */
export function sameFile({ ref, ours }: NamedFile): string {
  return ours?.sha256 ?? ref.url ?? ours?.id ?? '';
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
