import { createHash } from 'node:crypto';
import { DAY } from '../durations.ts';
import { MediaRejected } from './errors.ts';
import type { Findings, Picture } from './findings.ts';
import { CONTENT_TYPES, codecOf, isImage, type Container } from './formats.ts';
import { inspect } from './inspect.ts';
import type { MediaStore } from './store.ts';

export { MediaRejected } from './errors.ts';

/** The facts about a file, whatever its sender claimed. */
export interface Description {
  container: Container;
  /** `h264`, `hevc`, `vp8`, `vp9`, `av1`, ...; for images the same as the container. */
  codec: string;
  /** Null for images, and for videos without a duration (browser recorders write such WebM files). */
  durationMs: number | null;
  /** Pixels as displayed, after rotation. */
  width: number;
  height: number;
  /** Frames a second, the average if it varies; null for images and if unknown. */
  fps: number | null;
  /** The video's average bits a second; null for images and if unknown. */
  bitRate: number | null;
  /** Chroma subsampling of a video: `4:2:0`, ...; null for images and if unknown. */
  chroma: string | null;
  /** `aac`, ...; null for images and for videos without sound, as are the next two. */
  audioCodec: string | null;
  audioChannels: number | null;
  /** Hertz. */
  audioSampleRate: number | null;
  /** Whether the index of an MP4 or MOV precedes its media data; null for other files. */
  indexFirst: boolean | null;
  contentType: string;
}

export interface Probe extends Description {
  /** Lower-case hex. */
  sha256: string;
  /** Bytes. */
  size: number;
}

export interface ProbeOptions {
  /** Makes `probe` throw the signal's reason. */
  signal?: AbortSignal;
  /** Called with the number of bytes hashed so far, at most once for each chunk read; first with 0. */
  onProgress?: (bytes: number) => void;
}

/**
 * Inspects a complete file and hashes it, in constant memory.
 * @throws MediaRejected if it is not a video or image that we accept; MediaUnavailable if the store has no such file;
 *   InspectionEnded if the inspection takes too much time or memory
 */
export async function probe(store: MediaStore, key: string, options: ProbeOptions = {}): Promise<Probe> {
  options.signal?.throwIfAborted();
  // The cheap check first: files that are not media are rejected without hashing.
  const { description, size } = await look(store, key, options.signal);
  return { ...description, size, sha256: await sha256(store, key, options) };
}

/** The first part of `probe`: everything but the hash. */
export async function look(
  store: MediaStore,
  key: string,
  signal?: AbortSignal,
): Promise<{ description: Description; size: number }> {
  const size = await store.open(key);
  if (size === 0) throw new MediaRejected('empty', 'The file is empty.');
  return { description: describe(await inspect(store, key, size, signal)), size };
}

function describe(findings: Findings): Description {
  const { container } = findings;
  if (findings.truncated) throw new MediaRejected('truncated', 'The end of the file is missing.');
  if (container === null) throw notTaken(findings.other);
  const still = isImage(container);
  const picture = still ? (findings.image ?? findings.video) : findings.video;
  if (picture === null) throw new MediaRejected('unsupported', 'The file has no picture.');
  const audio = still ? null : findings.audio;
  return {
    container,
    contentType: CONTENT_TYPES[container],
    codec: still ? container : codecOf(picture.format),
    ...sizeShown(picture, findings.sideways),
    durationMs: still ? null : within(DURATION_MS, milliseconds(findings.seconds)),
    fps: still ? null : within(FPS, picture.fps),
    bitRate: still ? null : rounded(within(BIT_RATE, picture.bitRate)),
    chroma: still ? null : (/^\d:\d:\d$/.exec(picture.chroma ?? '')?.[0] ?? null),
    audioCodec: audio === null ? null : codecOf(audio.format),
    audioChannels: rounded(within(CHANNELS, audio?.channels ?? null)),
    audioSampleRate: rounded(within(SAMPLE_RATE, audio?.sampleRate ?? null)),
    indexFirst: findings.indexFirst,
  };
}

function notTaken(other: string | null): MediaRejected {
  return other === null
    ? new MediaRejected('unreadable', 'The file is not a readable video or image.')
    : new MediaRejected(
        'unsupported',
        `The file is ${other}, not an MP4, MOV, WebM, JPEG, WebP or PNG file. Convert it.`,
      );
}

interface Range {
  what: string;
  least: number;
  most: number;
}
/** Plausible values, far beyond the limits of any platform: a value outside is a lie or damage. */
const PIXELS: Range = { what: 'pixels wide or high', least: 1, most: 65_535 };
const DURATION_MS: Range = { what: 'milliseconds long', least: 1, most: 7 * DAY };
const FPS: Range = { what: 'frames a second', least: 0.001, most: 1000 };
const BIT_RATE: Range = { what: 'bits a second', least: 0, most: 1e11 };
const CHANNELS: Range = { what: 'audio channels', least: 1, most: 255 };
const SAMPLE_RATE: Range = { what: 'audio samples a second', least: 1, most: 10_000_000 };

/** @throws MediaRejected `unreadable` for an impossible value */
function within({ what, least, most }: Range, value: number | null): number | null {
  if (value === null || (value >= least && value <= most)) return value;
  throw new MediaRejected(
    'unreadable',
    `The file is damaged: it claims to be ${value} ${what}. Save it again.`,
  );
}

function sizeShown(picture: Picture, sideways: boolean): { width: number; height: number } {
  const width = rounded(within(PIXELS, picture.width));
  const height = rounded(within(PIXELS, picture.height));
  if (width === null || height === null)
    throw new MediaRejected('unreadable', 'The file does not state the size of its picture.');
  return sideways ? { width: height, height: width } : { width, height };
}

/** Some recorders write 0 for an unknown duration. */
const milliseconds = (seconds: number | null): number | null =>
  seconds === null || seconds === 0 ? null : Math.round(seconds * 1000);
const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value));

/** Hashes a file. @returns lower-case hex */
export async function sha256(
  store: MediaStore,
  key: string,
  { signal, onProgress }: ProbeOptions = {},
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  onProgress?.(0);
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
