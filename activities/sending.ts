import type { Attempt } from '../db/attempts.ts';
import type { Place } from '../db/transfers.ts';
import { namedFiles, type StepOf } from '../plan.ts';
import type { Delivery, Transfer } from '../providers/publishing.ts';
import type { Deps } from './deps.ts';
import { keyOf, type LoadedPost, type StoredFile } from './loaded-post.ts';

/** A file of a post on its way to the provider. */
export interface Sending {
  loaded: LoadedPost;
  step: StepOf<'transfer'>;
  /** The write that said where to send it. */
  write: Attempt;
  file: StoredFile;
  way: Transfer;
}

/** The file that a step sends. @throws Error when the post has none */
export function fileOf({ media, files }: LoadedPost, step: StepOf<'transfer'>): StoredFile {
  const file = step.media === undefined ? media : files[step.media];
  if (file == null) throw new Error(`the post has no file for ${step.name}`);
  return file;
}

/** The file as the provider gets it. @throws Error when the write has told no place, or the account's secrets were wiped */
export async function deliveryOf({ envelope }: Deps, { loaded, write, file }: Sending): Promise<Delivery> {
  if (write.secretEncrypted === null) throw new Error('the write has no secret');
  const aad = { table: 'publish_attempts', column: 'secret_encrypted', row: write.id, version: 1 };
  const secret = await envelope.open(keyOf(loaded), write.secretEncrypted, aad);
  return { size: file.size, contentType: file.contentType, durationMs: file.durationMs, secret };
}

export const placeOf = ({ loaded, write }: Sending): Place => ({
  postId: loaded.post.id,
  attemptId: write.id,
});

/** How much has arrived as far as we know; null: nothing was sent. */
export function sentSoFar({ loaded: { post }, write }: Sending): number | null {
  // A version that knew posts of one file only has noted it with the post.
  return write.sentBytes ?? (namedFiles(post.plan).length === 0 ? post.sentBytes : null);
}

/** The next byte to send. The provider may count bytes or name the last one: both lie behind the chunk. */
export function firstAfter({ file: { size }, way }: Sending, received: number): number {
  return way.chunks(size).find(({ last }) => last > received)?.first ?? size;
}
