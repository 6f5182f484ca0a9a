import { expireUpload, mediaById, markMediaReady, rejectMedia } from '../db/media.ts';
import { checkClaims, MediaRejected, probe } from '../media/probe.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';

/** Receives and examines files. */
export const createMediaActivities = ({ db, mediaStore }: Deps) => ({
  async mediaDue({ mediaId }: { mediaId: string }): Promise<{ dueInMs: number; uploaded: boolean }> {
    const { expiresAt, uploadedAt } = await mediaById(db, mediaId);
    return { dueInMs: Math.max(0, expiresAt.getTime() - Date.now()), uploaded: uploadedAt !== null };
  },

  /** Gives up an upload that is not complete. @returns the state: still `uploading` when the last byte came after all */
  async expireMedia({ mediaId }: { mediaId: string }): Promise<string> {
    const { state, storageKey } = await expireUpload(db, mediaId);
    if (state === 'expired') await mediaStore.remove(storageKey);
    return state;
  },

  /** Hashes and reads a complete file; what it claims to be must be what it is. @returns the media's final state */
  probeMedia: ({ mediaId }: { mediaId: string }): Promise<string> =>
    alive(async (signal) => {
      const media = await mediaById(db, mediaId);
      if (media.state !== 'uploading') return media.state;
      try {
        const facts = await probe(mediaStore, media.storageKey, { signal });
        checkClaims({ contentType: media.contentType, size: media.size }, facts);
        await markMediaReady(db, mediaId, facts);
        return 'ready';
      } catch (error) {
        if (!(error instanceof MediaRejected)) throw error;
        await rejectMedia(db, mediaId, error.message);
        await mediaStore.remove(media.storageKey);
        return 'rejected';
      }
    }),
});
