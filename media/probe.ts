import { createHash } from 'node:crypto';
import { MediaRejected } from './errors.ts';
import { CONTENT_TYPES, codecOf, containerOf, isImage, type Container } from './formats.ts';
import { inspect, type Inspection } from './inspect.ts';
import type { MediaStore } from './store.ts';

export { MediaRejected } from './errors.ts';

/** What a file is, whatever its sender said. */
export interface Probe {
  container: Container;
  /** `h264`, `hevc`, `vp8`, `vp9`, `av1`, ...; for images the same as the container. */
  codec: string;
  /** Null for images, and for videos that do not say (a browser's recorder writes such WebM files). */
  durationMs: number | null;
  /** Pixels as shown, after the rotation that the file asks for. */
  width: number;
  height: number;
  /** Frames a second, the average where it varies; null for images, and for videos that do not say. */
  fps: number | null;
  /** Of the pictures, bits a second, the average; null for images, and for videos that do not say. */
  bitRate: number | null;
  /** Lower-case hex. */
  sha256: string;
  /** Bytes. */
  size: number;
  contentType: string;
}

export interface ProbeOptions {
  /** Makes `probe` throw the signal's reason. */
  signal?: AbortSignal;
  /** Called with the number of bytes hashed so far, at most once for each chunk read; first with 0. */
  onProgress?: (bytes: number) => void;
}

/**
 * Looks into a finished file and hashes it, in constant memory.
 * Throws MediaRejected when it is not a video or image that we take, MediaUnavailable when the store has no such file.
 */
export async function probe(store: MediaStore, key: string, options: ProbeOptions = {}): Promise<Probe> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const size = await store.open(key);
  if (size === 0) throw new MediaRejected('empty', 'The file is empty.');
  onProgress?.(0);
  // Cheap before costly: what is no media is refused without being hashed.
  const description = describe(await inspect(store, key, size, signal));
  return { ...description, size, sha256: await sha256(store, key, options) };
}

/** Throws MediaRejected `claims_mismatch` unless content type and size (bytes) are what the client announced. */
export function checkClaims(claims: { contentType: string; size: number }, found: Probe): void {
  const claimed = claims.contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (claimed !== found.contentType) {
    throw new MediaRejected(
      'claims_mismatch',
      `The file was announced as ${claimed} and is ${found.contentType}.`,
    );
  }
  if (claims.size !== found.size) {
    throw new MediaRejected(
      'claims_mismatch',
      `The file was announced with ${claims.size} bytes and has ${found.size}.`,
    );
  }
}

function describe({ general, picture }: Inspection): Omit<Probe, 'size' | 'sha256'> {
  const container = containerOf(general);
  if (!container) {
    throw new MediaRejected('unsupported', 'The file is not an MP4, MOV, WebM, JPEG, WebP or PNG file.');
  }
  if (general.extra?.['IsTruncated'] === 'Yes') {
    throw new MediaRejected('truncated', 'The end of the file is missing.');
  }
  const video = !isImage(container) && picture?.['@type'] === 'Video' ? picture : undefined;
  if (!picture || !(video || isImage(container))) {
    throw new MediaRejected('unsupported', 'The file has no picture.');
  }
  const { Width: width, Height: height } = picture;
  if (!width || !height) {
    throw new MediaRejected('unreadable', 'The file does not say how large its picture is.');
  }

  const sideways = Math.abs(Number(video?.Rotation ?? 0)) % 180 === 90;
  const seconds = video && (general.Duration ?? video.Duration);
  return {
    container,
    codec: codecOf(container, picture),
    durationMs: seconds ? Math.round(seconds * 1000) : null,
    width: sideways ? height : width,
    height: sideways ? width : height,
    fps: video?.FrameRate ?? null,
    bitRate: video?.BitRate === undefined ? null : Math.round(video.BitRate),
    contentType: CONTENT_TYPES[container],
  };
}

async function sha256(store: MediaStore, key: string, { signal, onProgress }: ProbeOptions): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of store.parts(key, { ...(signal && { signal }) })) {
      hash.update(chunk);
      bytes += chunk.length;
      onProgress?.(bytes);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  return hash.digest('hex');
}
