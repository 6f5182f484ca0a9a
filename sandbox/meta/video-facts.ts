import { boxes, find } from './boxes.ts';

export interface VideoFacts {
  durationMs: number;
  width: number;
  height: number;
  fps: number;
  codec: string;
  /** Whether the index comes before the media data. */
  moovFirst: boolean;
  editList: boolean;
}

/** The rest of a longer index is not read. */
const LONGEST_MOOV = 64 * 1024 ** 2;

/** Reads an MP4 or MOV while it streams by: only the index is kept. */
export class VideoReader {
  #header = Buffer.alloc(0);
  #skip = 0;
  #moov: Buffer[] | null = null;
  #moovLeft = 0;
  #seen: string[] = [];

  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, rest.length);
        this.#skip -= step;
        rest = rest.subarray(step);
      } else if (this.#moovLeft > 0) {
        const part = rest.subarray(0, this.#moovLeft);
        this.#moov?.push(Buffer.from(part));
        this.#moovLeft -= part.length;
        rest = rest.subarray(part.length);
      } else {
        rest = this.#readHeader(rest);
      }
    }
  }

  /** Null: not a playable video. */
  facts(): VideoFacts | null {
    if (this.#seen[0] !== 'ftyp' || this.#moov === null || this.#moovLeft > 0) return null;
    const places = [this.#seen.indexOf('moov'), this.#seen.indexOf('mdat')] as const;
    if (places[1] < 0) return null;
    return movieFacts(Buffer.concat(this.#moov), places[0] < places[1]);
  }

  #readHeader(bytes: Buffer): Buffer {
    const joined = Buffer.concat([this.#header, bytes.subarray(0, 16)]);
    const long = joined.length >= 4 && joined.readUInt32BE(0) === 1;
    const needed = long ? 16 : 8;
    if (joined.length < needed) {
      this.#header = joined;
      return Buffer.alloc(0);
    }
    const used = needed - this.#header.length;
    this.#header = Buffer.alloc(0);
    const size = long ? Number(joined.readBigUInt64BE(8)) : joined.readUInt32BE(0);
    const name = joined.toString('latin1', 4, 8);
    this.#seen.push(name);
    // A size of 0 reaches to the end of the file; anything below the header is nonsense, and ends the reading too.
    const left = size < needed ? Infinity : size - needed;
    if (name === 'moov' && left <= LONGEST_MOOV) {
      this.#moov = [];
      this.#moovLeft = left;
    } else {
      this.#skip = left;
    }
    return bytes.subarray(used);
  }
}

function movieFacts(moov: Buffer, moovFirst: boolean): VideoFacts | null {
  for (const { name, body } of boxes(moov)) {
    if (name !== 'trak') continue;
    const [handler, header, media] = [
      find(body, 'mdia', 'hdlr'),
      find(body, 'tkhd'),
      find(body, 'mdia', 'mdhd'),
    ];
    const description = find(body, 'mdia', 'minf', 'stbl', 'stsd');
    if (handler?.toString('latin1', 8, 12) !== 'vide' || !header || !media || !description) continue;
    const wide = media[0] === 1;
    const scale = media.readUInt32BE(wide ? 20 : 12);
    const duration = wide ? Number(media.readBigUInt64BE(24)) : media.readUInt32BE(16);
    const seconds = scale === 0 ? 0 : duration / scale;
    return {
      durationMs: Math.round(seconds * 1_000),
      width: header.readUInt16BE(header.length - 8),
      height: header.readUInt16BE(header.length - 4),
      fps: seconds === 0 ? 0 : samples(find(body, 'mdia', 'minf', 'stbl', 'stts')) / seconds,
      codec: description.toString('latin1', 12, 16),
      moovFirst,
      editList: find(body, 'edts', 'elst') !== undefined,
    };
  }
  return null;
}

function samples(times: Buffer = Buffer.alloc(0)): number {
  let count = 0;
  for (let at = 8; at + 8 <= times.length; at += 8) count += times.readUInt32BE(at);
  return count;
}
