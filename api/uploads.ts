import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DataStore, Server, Upload } from '@tus/server';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import type { Db } from '../db/client.ts';
import { expireUpload, markMediaStarted, markUploaded, type Media, mediaById } from '../db/media.ts';
import { mediaTypeOf } from '../media/content-types.ts';
import { signalMediaCompleted, startMedia } from '../temporal/media.ts';
import { hasArrived } from './closing.ts';
import { OCTETS } from './content-types.ts';
import type { Deps } from './deps.ts';
import { answerFailureRaw } from './failures.ts';
import { takeOver } from './hijack.ts';
import { tell } from './temporal.ts';

/* Files on their way to us, by tus 1.0. An upload has the id of its media. */

/** How long the answer to the last byte waits for the examination, so that a client can publish right after it. */
const EXAMINATION_MS = 5_000;
/** A body of which nothing comes for this long is given up, and for twice as long at most: its client resumes. */
const SILENT_MS = 30_000;

export interface Uploads {
  /** Makes room for a file, if that has not been done. */
  prepare(media: Media): Promise<void>;
  /** Whether all bytes have arrived. */
  isComplete(media: Media): Promise<boolean>;
  /** Notes that all bytes have arrived, and waits a little for the file to be examined. */
  complete(media: Media): Promise<void>;
  /**
   * Answers a request by the protocol: HEAD, PATCH, DELETE.
   * @param media the upload that the request is about, which its caller may change
   */
  answer(request: FastifyRequest, reply: FastifyReply, media: Media): Promise<void>;
  /** Answers OPTIONS: what the server can do, whatever the upload. */
  describe(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

export function createUploads(
  { database: { db }, temporal, media: mediaStore }: Deps,
  log: FastifyBaseLogger,
): Uploads {
  const store = mediaStore.tusStore();
  // Uploads are made by POST /api/media, with a length.
  store.extensions = ['termination'];
  /** The upload that the request under way may change. The tus server reads no address: it could read another id. */
  const permitted = new AsyncLocalStorage<Media>();

  async function isComplete({ storageKey, size }: Media): Promise<boolean> {
    return (await find(store, storageKey))?.offset === size;
  }

  async function complete(media: Media): Promise<void> {
    await markUploaded(db, media.id);
    if (
      !(await tell(temporal, log, `examination of ${media.id}`, () => signalMediaCompleted(temporal, media)))
    )
      return;
    await markMediaStarted(db, media.id);
    await untilExamined(db, media);
  }

  const tus = new Server({
    path: '/api/media',
    datastore: store,
    allowedOrigins: [],
    disableTerminationForFinishedUploads: true,
    getFileIdFromRequest: () => permitted.getStore()?.storageKey,
    async onIncomingRequest({ method }) {
      const media = permitted.getStore();
      // Before the file goes: a client that hears of its end finds the media expired.
      if (method === 'DELETE' && media !== undefined && !(await isComplete(media)))
        await expireUpload(db, media.id);
    },
    async onUploadFinish(_request, { id }) {
      await complete(await mediaById(db, id));
      return {};
    },
    onResponseError(_request, error) {
      // The protocol's own refusals say their status; all others are answered as everywhere (`answer`).
      if (!(error instanceof Error) || 'status_code' in error) return undefined;
      throw error;
    },
  });

  return {
    complete,
    isComplete,

    async prepare(media) {
      if (media.state !== 'uploading') return;
      await mediaStore.require();
      if ((await find(store, media.storageKey)) !== null) return;
      await store.create(uploadOf(media));
      if (await tell(temporal, log, `mediaUpload of ${media.id}`, () => startMedia(temporal, media)))
        await markMediaStarted(db, media.id);
    },

    async answer(request, reply, media) {
      const { raw } = request;
      raw.url = `/api/media/${media.id}/upload`;
      const response = takeOver(reply);
      const watch = endSilence(raw);
      try {
        await mediaStore.require();
        await permitted.run(media, () => tus.handle(asTusReads(raw), response));
      } catch (error) {
        request.log.error({ mediaId: media.id, userId: media.userId }, 'an upload failed; it can be resumed');
        swallow(raw);
        answerFailureRaw(error, request, response);
      } finally {
        clearInterval(watch);
      }
    },

    async describe({ raw }, reply) {
      await tus.handle(raw, takeOver(reply));
    },
  };
}

/** An upload whose first byte has not arrived. */
function uploadOf({ storageKey, size, filename, contentType, createdAt }: Media): Upload {
  return new Upload({
    id: storageKey,
    size,
    offset: 0,
    metadata: { filename, filetype: contentType },
    creation_date: createdAt.toISOString(),
  });
}

/** Waits until the file has been examined, but not for long. */
async function untilExamined(db: Db, { id }: Media): Promise<void> {
  const until = Date.now() + EXAMINATION_MS;
  for (let ms = 20; Date.now() < until; ms = Math.min(ms * 1.5, 250)) {
    if ((await mediaById(db, id)).state !== 'uploading') return;
    await sleep(ms);
  }
}

/** Lets the rest of a body come, into nowhere (endUnreadBodies ends it): who is cut off while sending never reads the answer. */
function swallow(raw: IncomingMessage): void {
  raw.removeAllListeners('data');
  raw.resume();
}

/**
 * Headers as the tus server reads them: without X-Forwarded-Proto, which it refuses where several proxies have written into
 * it, and with its content type in the one spelling that it knows.
 */
function asTusReads(raw: IncomingMessage): IncomingMessage {
  const nameAt = (index: number): string | undefined => raw.rawHeaders[index - (index % 2)]?.toLowerCase();
  const isOctets = mediaTypeOf(raw.headers['content-type'] ?? '') === OCTETS;
  raw.rawHeaders = raw.rawHeaders.flatMap((text, index) => {
    if (nameAt(index) === 'x-forwarded-proto') return [];
    return isOctets && index % 2 === 1 && nameAt(index) === 'content-type' ? [OCTETS] : [text];
  });
  if (isOctets) raw.headers['content-type'] = OCTETS;
  return raw;
}

/** Ends the connection of a body that does not go on: otherwise it would keep its file and its lock for ever. */
function endSilence(raw: IncomingMessage): NodeJS.Timeout {
  const { socket } = raw;
  let before = socket.bytesRead;
  return setInterval(() => {
    if (!hasArrived(raw) && socket.bytesRead === before) socket.destroy();
    before = socket.bytesRead;
  }, SILENT_MS).unref();
}

/** @returns null when there is no such upload */
async function find(store: DataStore, key: string): Promise<Upload | null> {
  try {
    return await store.getUpload(key);
  } catch (error) {
    // tus-node-server throws plain objects.
    if (error instanceof Error) throw error;
    return null;
  }
}
