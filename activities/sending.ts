import type { Attempt } from '../db/attempts.ts';
import type { Place } from '../db/transfers.ts';
import { namedFiles, type StepOf } from '../plan.ts';
import type { Delivery, Transfer } from '../providers/publishing.ts';
import type { Deps } from './deps.ts';
import { keyOf, type LoadedPost, type StoredFile } from './loaded-post.ts';

/** A file of a post that is being sent to the provider. */
export interface Sending {
  loaded: LoadedPost;
  step: StepOf<'transfer'>;
  /** The write that opened the upload. */
  write: Attempt;
  file: StoredFile;
  way: Transfer;
}

/** The file that a step sends. @throws Error if the post has none */
export function fileOf({ media, files }: LoadedPost, step: StepOf<'transfer'>): StoredFile {
  const file = step.media === undefined ? media : files[step.media];
  if (file == null) throw new Error(`the post has no file for ${step.name}`);
  return file;
}

/**
 * How the provider receives the file. @throws Error if the write brought no upload, or the account's secrets were wiped
 */
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

/** How much is known to have arrived; null: nothing was sent. */
export function sentSoFar({ loaded: { post }, write }: Sending): number | null {
  // Older versions, which knew only posts with one file, recorded it on the post.
  return write.sentBytes ?? (namedFiles(post.plan).length === 0 ? post.sentBytes : null);
}

/** The next byte to send. The provider may name the number of bytes or the last byte: both belong to the sent chunk. */
export function firstAfter({ file: { size }, way }: Sending, received: number): number {
  return way.chunks(size).find(({ last }) => last > received)?.first ?? size;
}
