import { ProviderError } from '../errors.ts';
import { http, type HttpAnswer } from '../http.ts';
import { measured } from '../measured.ts';
import type { Chunk, PostContext, Received, Transfer } from '../publishing.ts';
import { MINUTE } from '../../durations.ts';
import { lost } from './errors.ts';

/**
 * Up to 64,000,000 bytes are sent as one chunk, larger files in chunks of 10,000,000 (tiktok-facts 4.6, "Safe plan").
 */
const WHOLE_BYTES = 64_000_000;
const CHUNK_BYTES = 10_000_000;
/** Enough for a chunk of up to 128 MB on a slow line. */
const CHUNK_MS = 30 * MINUTE;

/** The upload URL is the permission: sending bytes needs no token (tiktok-facts 4.7). */
export function createTransfer(
  status: (context: PostContext) => Promise<Readonly<Record<string, unknown>>>,
): Transfer {
  return {
    needsToken: false,
    chunks,

    sendChunk: ({ signal }, { size, contentType, secret }, { first, last, body }) =>
      measured('tiktok', 'upload', async () => {
        const answer = await http({
          method: 'PUT',
          url: secret,
          headers: {
            'content-type': contentType,
            'content-length': String(last - first + 1),
            'content-range': `bytes ${first}-${last}/${size}`,
          },
          body,
          signal,
          totalMs: CHUNK_MS,
        }).catch((error: unknown): never => {
          throw lost(error, 'read');
        });
        switch (answer.status) {
          case 206:
            return { kind: 'stored' };
          case 200:
            // Not one of TikTok's own answers; for a chunk in the middle it ends nothing.
            return { kind: last === size - 1 ? 'complete' : 'stored' };
          case 201:
            return { kind: 'complete' };
          case 416:
            return { kind: 'out_of_step', ...receivedMark(answer) };
          case 403:
          case 404:
            return { kind: 'expired' };
          default:
            throw uploadError(answer.status);
        }
      }),

    async received(context, { size }) {
      const data = await status(context);
      // Any status but PROCESSING_UPLOAD means that TikTok has all the bytes it needs.
      if (data['status'] !== 'PROCESSING_UPLOAD') return { bytes: size };
      // All fields but the status may be absent (tiktok-facts 4.10).
      return typeof data['uploaded_bytes'] === 'number' ? { bytes: data['uploaded_bytes'] } : null;
    },
  };
}

/** The upload host's position: either a byte count or the last byte (tiktok-facts 4.7). */
function receivedMark({ headers }: HttpAnswer): Partial<Received> {
  const range = headers['content-range'];
  const [, mark] = /^bytes 0-(\d+)\//.exec(typeof range === 'string' ? range : '') ?? [];
  return mark === undefined ? {} : { bytes: Number(mark) };
}

/**
 * The chunks of a file: the remainder is merged into the last one (tiktok-facts 4.6).
 * @param size in bytes
 */
export function chunks(size: number): Chunk[] {
  const chunkSize = chunkSizeOf(size);
  const count = Math.max(1, Math.floor(size / chunkSize));
  return Array.from({ length: count }, (_, index) => ({
    first: index * chunkSize,
    last: index === count - 1 ? size - 1 : (index + 1) * chunkSize - 1,
  }));
}

/** The length of every chunk but the last. @param size of the file, in bytes */
export function chunkSizeOf(size: number): number {
  return size <= WHOLE_BYTES ? size : CHUNK_BYTES;
}

function uploadError(status: number): ProviderError {
  const again = status >= 500 || status === 429 || status === 408;
  return new ProviderError({
    provider: 'tiktok',
    kind: again ? 'unavailable' : 'rejected',
    code: again ? 'provider_unavailable' : 'upload_refused',
    message: `TikTok answered the upload with ${status}`,
    userMessage: again
      ? 'TikTok does not accept the video at the moment. Everpost will try again.'
      : 'TikTok rejected the uploaded video. Nothing was published.',
    providerCode: String(status),
  });
}
