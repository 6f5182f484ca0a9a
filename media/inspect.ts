import { mediaInfoFactory, type GeneralTrack, type ImageTrack, type VideoTrack } from 'mediainfo.js';
import { MediaRejected } from './errors.ts';
import type { MediaStore } from './store.ts';

/** What MediaInfo saw: the file as a whole, and its first picture track (undefined: none). */
export interface Inspection {
  general: GeneralTrack;
  picture: VideoTrack | ImageTrack | undefined;
}

// The index of hours of video takes a few megabytes; a file that makes the parser read more is playing with it.
const READ_LIMIT_BYTES = 128 * 1024 * 1024;

/**
 * Reads the parts of a file that describe it, range by range, without its pictures.
 * Throws MediaRejected `unreadable` when the parser gives up, and the store's own error when a read fails.
 */
export async function inspect(
  store: MediaStore,
  key: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<Inspection> {
  // One parser a file: a crash inside WebAssembly cannot outlive the file that caused it.
  const parser = await mediaInfoFactory({ format: 'object' });
  let budget = READ_LIMIT_BYTES;
  let readFailure: { error: unknown } | undefined;

  async function readChunk(length: number, start: number): Promise<Uint8Array> {
    budget -= length;
    if (budget < 0) throw new Error('The parser wants too much.');
    try {
      return await readRange(store, key, start, length, signal);
    } catch (error) {
      readFailure = { error };
      throw error;
    }
  }

  try {
    const { media } = await parser.analyzeData(size, readChunk);
    const tracks = media?.track ?? [];
    const general = tracks.find((track) => track['@type'] === 'General');
    if (!general?.Format) throw new Error('No format was recognized.');
    const picture =
      tracks.find((track) => track['@type'] === 'Video') ??
      tracks.find((track) => track['@type'] === 'Image');
    return { general, picture };
  } catch {
    signal?.throwIfAborted();
    if (readFailure) throw readFailure.error;
    throw new MediaRejected('unreadable', 'The file is not a video or image that can be read.');
  } finally {
    parser.close();
  }
}

async function readRange(
  store: MediaStore,
  key: string,
  start: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const range = store.read(key, { start, end: start + length - 1, ...(signal && { signal }) });
  return Buffer.concat(await range.toArray());
}
