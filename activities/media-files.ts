import { log } from '@temporalio/activity';
import { deleteMedia, markFileRemoved, mediaWithUselessFile, unusedMedia } from '../db/media-removal.ts';
import type { Media } from '../db/media.ts';
import type { Deps } from './deps.ts';

/** Removes a file whose row is already marked as deleted. */
export async function removeFile(
  { db, mediaStore }: Pick<Deps, 'db' | 'mediaStore'>,
  { id, storageKey }: Pick<Media, 'id' | 'storageKey'>,
): Promise<void> {
  await mediaStore.remove(storageKey);
  await markFileRemoved(db, id);
}

/** Each one costs queries. */
const MOST = 200;

/**
 * Deletes files after the operator's retention, and removes files that crashed processes left behind.
 * @returns the number of removed files
 */
export async function tidyMedia(deps: Deps): Promise<number> {
  const { db, mediaStore, mediaRetentionMs } = deps;
  if (mediaRetentionMs !== null)
    for (const { userId, id } of await unusedMedia(db, new Date(Date.now() - mediaRetentionMs), MOST))
      await deleteMedia(db, userId, id);
  const useless = await mediaWithUselessFile(db, MOST);
  if (useless.length === 0) return 0;
  const trouble = await mediaStore.check();
  if (trouble !== null) {
    log.warn('files are not removed yet', { files: useless.length, code: trouble.code });
    return 0;
  }
  for (const media of useless) await removeFile(deps, media);
  return useless.length;
}
