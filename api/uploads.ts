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

/* Uploads from clients, by tus 1.0. An upload has its media's id. */

/** How long the answer to the last byte waits for the inspection, so that a client can publish right after it. */
const EXAMINATION_MS = 5_000;
/** A body without new bytes for this long, or at most twice as long, is abandoned; its client resumes. */
const SILENT_MS = 30_000;

export interface Uploads {
  /** Creates the file of an upload, if it does not exist yet. */
  prepare(media: Media): Promise<void>;
  /** Whether all bytes have arrived. */
  isComplete(media: Media): Promise<boolean>;
  /** Records that all bytes have arrived, and briefly waits for the inspection. */
  complete(media: Media): Promise<void>;
  /**
   * Answers a request of the protocol: HEAD, PATCH, DELETE.
   * @param media the upload of the request; its caller may change it
   */
  answer(request: FastifyRequest, reply: FastifyReply, media: Media): Promise<void>;
  /** Answers OPTIONS with the server's features. */
  describe(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

export function createUploads(
  { database: { db }, temporal, media: mediaStore }: Deps,
  log: FastifyBaseLogger,
): Uploads {
  const store = mediaStore.tusStore();
  // POST /api/media creates uploads, with a fixed length.
  store.extensions = ['termination'];
  /**
   * The upload that the current request may change. The tus server does not parse the URL, from which it could read
   * another id.
   */
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
      // Before the file is removed: a client that learns of the end must find the media expired.
      if (method === 'DELETE' && media !== undefined && !(await isComplete(media)))
        await expireUpload(db, media.id);
    },
    async onUploadFinish(_request, { id }) {
      await complete(await mediaById(db, id));
      return {};
    },
    onResponseError(_request, error) {
      // The protocol's own refusals have a status; other errors get the API's usual answer (`answer`).
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

/** An upload without any bytes yet. */
function uploadOf({ storageKey, size, filename, contentType, createdAt }: Media): Upload {
  return new Upload({
    id: storageKey,
    size,
    offset: 0,
    metadata: { filename, filetype: contentType },
    creation_date: createdAt.toISOString(),
  });
}

/** Waits until the file is inspected, but not for long. */
async function untilExamined(db: Db, { id }: Media): Promise<void> {
  const until = Date.now() + EXAMINATION_MS;
  for (let ms = 20; Date.now() < until; ms = Math.min(ms * 1.5, 250)) {
    if ((await mediaById(db, id)).state !== 'uploading') return;
    await sleep(ms);
  }
}

/**
 * Reads and discards the rest of a body (endUnreadBodies ends it): a client that is cut off while sending never reads
 * the answer.
 */
function swallow(raw: IncomingMessage): void {
  raw.removeAllListeners('data');
  raw.resume();
}

/**
 * The headers in the form that the tus server understands: without X-Forwarded-Proto, which it rejects if several
 * proxies have added to it, and with the content type in the only spelling it knows.
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

/** Ends the connection of a stalled body, which would otherwise hold its file and its lock forever. */
function endSilence(raw: IncomingMessage): NodeJS.Timeout {
  const { socket } = raw;
  let before = socket.bytesRead;
  return setInterval(() => {
    if (!hasArrived(raw) && socket.bytesRead === before) socket.destroy();
    before = socket.bytesRead;
  }, SILENT_MS).unref();
}

/** @returns null if there is no such upload */
async function find(store: DataStore, key: string): Promise<Upload | null> {
  try {
    return await store.getUpload(key);
  } catch (error) {
    // tus-node-server throws plain objects.
    if (error instanceof Error) throw error;
    return null;
  }
}
