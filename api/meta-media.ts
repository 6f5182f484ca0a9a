import { Type, type Static } from 'typebox';
import type { Media } from '../db/media.ts';
import type { FileFacts } from '../providers/meta/files.ts';
import type { MediaRef } from '../providers/meta/media.ts';
import type { RequestProblem } from '../providers/request-problem.ts';
import { Address } from '../providers/texts.ts';
import type { Deps } from './deps.ts';
import type { FieldProblem } from './errors.ts';
import { readyMedia } from './new-post.ts';
import { LONGEST_ID } from './schemas.ts';
import { addressProblem, mediaUrlProblem } from './urls.ts';

/** Exactly one of three ways to name a file. */
export const fileFields = {
  mediaId: Type.Optional(Type.String({ maxLength: LONGEST_ID, description: 'Media that is `ready`.' })),
  imageUrl: Type.Optional(Address),
  videoUrl: Type.Optional(Address),
};
const FileFields = Type.Object(fileFields);
type FileFields = Static<typeof FileFields>;

const RIGHT_FIELDS = {
  image: ['mediaId', 'imageUrl'],
  video: ['mediaId', 'videoUrl'],
  either: ['mediaId', 'imageUrl', 'videoUrl'],
} as const;

/** A file of a request, and what we know of it. */
export interface NamedFile {
  ref: MediaRef;
  /** Null: the client has put it online. */
  media: Media | null;
}

/**
 * What is wrong with the names of a file, without looking for it.
 * @param kind what the file must be; null: either
 */
export function checkFile(
  { mediaId, imageUrl, videoUrl }: FileFields,
  at: string,
  allowPrivate: boolean,
  kind: MediaRef['kind'] | null = null,
): FieldProblem[] {
  const given = [mediaId, imageUrl, videoUrl].filter((name) => name !== undefined);
  if (given.length === 0) {
    const right = RIGHT_FIELDS[kind ?? 'either'];
    const message = `is missing: ${right.join(' or ')} names the file`;
    return right.map((field) => ({ field: at + field, message }));
  }
  if (given.length > 1)
    return [{ field: `${at}mediaId`, message: 'or imageUrl or videoUrl: exactly one of them is required' }];
  return checkUrls({ [`${at}imageUrl`]: imageUrl, [`${at}videoUrl`]: videoUrl }, allowPrivate);
}

/** What is wrong with URLs from which Meta is to fetch files, by field. */
export function checkUrls(
  urls: Readonly<Record<string, string | undefined>>,
  allowPrivate: boolean,
): FieldProblem[] {
  return Object.entries(urls).flatMap(([field, url]) => {
    if (url === undefined) return [];
    const message = mediaUrlProblem(url, allowPrivate) ?? (isAscii(url) ? null : 'must be US-ASCII');
    return message === null ? [] : [addressProblem(field, message)];
  });
}

/** Finds a file that was named rightly. @throws ApiError `media_not_found`, `media_not_ready` */
export async function findFile(
  deps: Deps,
  userId: string,
  { mediaId, imageUrl, videoUrl }: FileFields,
  more: Pick<MediaRef, 'alt_text' | 'user_tags'> = {},
): Promise<NamedFile> {
  if (mediaId === undefined) {
    const url = imageUrl ?? videoUrl;
    if (url === undefined) throw new Error('no file was named');
    return { ref: { kind: imageUrl === undefined ? 'video' : 'image', url, ...more }, media: null };
  }
  const media = await readyMedia(deps, userId, mediaId);
  const kind = media.contentType.startsWith('image/') ? 'image' : 'video';
  return { ref: { kind, mediaId: media.id, ...more }, media };
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
  return files.flatMap(({ ref, media }, index) =>
    media === null
      ? []
      : check(ref.kind, media).map((problem) => ({
          ...problem,
          field: `${at}${carousel ? `children.${index}.` : ''}${problem.field}`,
        })),
  );
}

/** What makes two files the same one. */
export function sameFile({ ref, media }: NamedFile): string {
  return media?.sha256 ?? ref.url ?? media?.id ?? '';
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
