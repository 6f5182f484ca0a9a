import process from 'node:process';
import { Worker } from 'node:worker_threads';
import { mediaInfoFactory, type AudioTrack, type ImageTrack, type VideoTrack } from 'mediainfo.js';
import type { Findings } from './findings.ts';
import { liesOnItsSide } from './orientation.ts';
import { type Read, structureOf } from './structure.ts';

/*
 * `inspector.ts <size>`: the process that inspects one untrusted file (inspect.ts starts it and limits its time and
 * memory). It asks its parent for bytes, so it needs neither the store nor any secret, and answers with its findings.
 */

const PAGE_BYTES = 65_536;
const LONGEST_TEXT = 100;
/** If a format does not subsample colours, the parser gives only the colour space. */
const CHROMA_OF: Readonly<Record<string, string>> = { Y: '4:0:0', RGB: '4:4:4', RGBA: '4:4:4' };

const size = Number(process.argv[2]);
// While the parser runs, this thread receives no messages: another thread ends the process together with its parent.
const watchdog = new Worker(new URL('./watchdog.ts', import.meta.url), { workerData: process.ppid });
await new Promise((online) => watchdog.once('online', online));
// Ctrl-C reaches the whole process group, but the parent decides when this process ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});

const answer = await find().catch(() => 'unreadable' as const);
process.send?.(answer, () => process.exit());

async function find(): Promise<Findings> {
  const read = paged(ask);
  const { container, other, truncated, indexFirst } = await structureOf(read, size);
  if (container === null) return { container, other, truncated };
  const parser = await mediaInfoFactory({ format: 'object' });
  const { media } = await parser.analyzeData(size, (length, start) => ask(start, length));
  const tracks = media?.track ?? [];
  const general = tracks.find((track) => track['@type'] === 'General');
  if (general === undefined) throw new Error('the parser found nothing');
  const video = tracks.find((track) => track['@type'] === 'Video');
  const image = tracks.find((track) => track['@type'] === 'Image');
  const sound = tracks.find((track) => track['@type'] === 'Audio');
  return {
    container,
    indexFirst,
    truncated: truncated || general.extra?.['IsTruncated'] === 'Yes',
    seconds: numberOf(general.Duration ?? video?.Duration),
    video: video === undefined ? null : pictureOf(video),
    image: image === undefined ? null : pictureOf(image),
    sideways:
      (await liesOnItsSide(read, size, container)) || Math.abs(Number(video?.Rotation ?? 0)) % 180 === 90,
    audio: sound === undefined ? null : soundOf(sound),
  };
}

function pictureOf(track: VideoTrack | ImageTrack) {
  return {
    format: textOf(track.Format),
    width: numberOf(track.Width),
    height: numberOf(track.Height),
    fps: '@type' in track && track['@type'] === 'Video' ? numberOf(track.FrameRate) : null,
    bitRate: '@type' in track && track['@type'] === 'Video' ? numberOf(track.BitRate) : null,
    chroma: textOf(track.ChromaSubsampling) || CHROMA_OF[textOf(track.ColorSpace)] || null,
  };
}

function soundOf({ Format, Channels, SamplingRate }: AudioTrack) {
  return {
    format: textOf(Format),
    channels: numberOf(Channels),
    sampleRate: numberOf(SamplingRate),
  };
}

/** The file controls its texts: they may be of any length. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : '';
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Reads bytes from the parent, one request at a time. */
function ask(start: number, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    process.once('message', (bytes: unknown) =>
      bytes instanceof Uint8Array ? resolve(bytes) : reject(new Error('the parent has no bytes')),
    );
    process.send?.({ start, length });
  });
}

/** Serves small reads from one page, so that a walk over headers does not send a request for each. */
function paged(from: typeof ask): Read {
  let page = Buffer.alloc(0);
  let first = 0;
  return async (start, length) => {
    const end = Math.min(start + length, size);
    if (start >= end) return Buffer.alloc(0);
    if (start < first || end > first + page.length) {
      page = Buffer.from(await from(start, Math.min(Math.max(length, PAGE_BYTES), size - start)));
      first = start;
    }
    return page.subarray(start - first, end - first);
  };
}
