import { ApplicationFailure } from '@temporalio/common';
import {
  beginExamination,
  endExamination,
  expireUpload,
  type Media,
  mediaById,
  markMediaReady,
  rejectMedia,
} from '../db/media.ts';
import { checkSize } from '../media/content-types.ts';
import { createGate } from '../media/gate.ts';
import { InspectionEnded } from '../media/inspect.ts';
import { look, MediaRejected, sha256 } from '../media/probe.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet } from './failures.ts';
import { removeFile } from './media-files.ts';

/** Concurrent parsers in this worker: each may take 200 MB (media/inspect.ts). */
const PARSERS = 2;
/** Activities waiting for a parser; more would delay other work. */
const MOST_WAITING = 8;
const ASK_AGAIN_MS = 2000;
/** How often a parser may be started on one file without finishing. */
const MOST_EXAMINATIONS = 3;

/** Receives and inspects files. */
export const createMediaActivities = (deps: Deps) => {
  const { db, mediaStore } = deps;
  const gate = createGate(PARSERS, MOST_WAITING);

  async function examine(media: Media, signal: AbortSignal): Promise<void> {
    const looked = await gate.pass(media.userId, () => tryToLook(deps, media, signal));
    if (looked === null) throw notYet('ParsersBusy', 'other files are being inspected', ASK_AGAIN_MS);
    const { description, size } = looked;
    checkSize(media.size, size);
    const hash = await sha256(mediaStore, media.storageKey, { signal });
    await markMediaReady(db, media.id, { ...description, sha256: hash });
  }

  return {
    async mediaDue({ mediaId }: { mediaId: string }): Promise<{ dueInMs: number; uploaded: boolean }> {
      const { expiresAt, uploadedAt } = await mediaById(db, mediaId);
      return { dueInMs: Math.max(0, expiresAt.getTime() - Date.now()), uploaded: uploadedAt !== null };
    },

    /** Abandons an incomplete upload. @returns the state: still `uploading` if the last byte has arrived after all */
    async expireMedia({ mediaId }: { mediaId: string }): Promise<string> {
      const { state, storageKey } = await expireUpload(db, mediaId);
      if (state === 'expired') await removeFile(deps, { id: mediaId, storageKey });
      return state;
    },

    /** Reads and hashes a complete file, which must have the announced size. @returns the media's final state */
    probeMedia: ({ mediaId }: { mediaId: string }): Promise<string> =>
      alive(async (signal) => {
        const media = await mediaById(db, mediaId);
        if (media.deletedAt !== null) return 'deleted';
        if (media.state !== 'uploading') return media.state;
        try {
          await examine(media, signal);
          return 'ready';
        } catch (error) {
          if (!(error instanceof MediaRejected)) throw error;
          await rejectMedia(db, mediaId, error.message);
          await removeFile(deps, media);
          return 'rejected';
        }
      }),
  };
};

/**
 * Inspects a file, unless too many tries have failed. The count is stored before the parser starts, so that it outlives
 * a worker that the file kills.
 * @throws MediaRejected `unexaminable`; ApplicationFailure if another try may help
 */
async function tryToLook({ db, mediaStore }: Deps, { id, storageKey }: Media, signal: AbortSignal) {
  const tries = await beginExamination(db, id);
  if (tries > MOST_EXAMINATIONS) throw unexaminable();
  try {
    const looked = await look(mediaStore, storageKey, signal);
    await endExamination(db, id);
    return looked;
  } catch (error) {
    if (!(error instanceof InspectionEnded)) {
      await endExamination(db, id);
      throw error;
    }
    if (tries >= MOST_EXAMINATIONS) throw unexaminable();
    throw ApplicationFailure.create({ type: 'InspectionEnded', message: error.message });
  }
}

const unexaminable = (): MediaRejected =>
  new MediaRejected(
    'unexaminable',
    'The file takes too much time or memory to inspect. Save it again with another program and upload that.',
  );
