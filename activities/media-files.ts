import { log } from '@temporalio/activity';
import { deleteMedia, markFileRemoved, mediaWithUselessFile, unusedMedia } from '../db/media-removal.ts';
import type { Media } from '../db/media.ts';
import type { Deps } from './deps.ts';

/** Removes a file whose row says already that it is gone. */
export async function removeFile(
  { db, mediaStore }: Pick<Deps, 'db' | 'mediaStore'>,
  { id, storageKey }: Pick<Media, 'id' | 'storageKey'>,
): Promise<void> {
  await mediaStore.remove(storageKey);
  await markFileRemoved(db, id);
}

/** Each costs queries of its own. */
const MOST = 200;

/**
 * Deletes files that were kept as long as the operator wants, and removes those that others have left behind.
 * @returns how many files were removed
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
    log.warn('files that are to be removed stay', { files: useless.length, code: trouble.code });
    return 0;
  }
  for (const media of useless) await removeFile(deps, media);
  return useless.length;
}
