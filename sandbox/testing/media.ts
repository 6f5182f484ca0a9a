/** Small files that pass the checks of Instagram and Threads, of any size wanted. */
const PADDING = 0x5a;

function padded(start: Buffer, bytes: number): Buffer {
  return Buffer.concat([start, Buffer.alloc(Math.max(bytes - start.length, 0), PADDING)]);
}

/** A JPEG by its header; `bytes` long if that is more. */
export function jpeg(width = 1_080, height = 1_080, bytes = 2_000): Buffer {
  const frame = Buffer.from([0xff, 0xc0, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return padded(Buffer.concat([Buffer.from([0xff, 0xd8]), frame]), bytes);
}

export function png(width = 1_080, height = 1_080, bytes = 2_000): Buffer {
  const header = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0', 'latin1');
  header.writeUInt32BE(width, 16);
  header.writeUInt32BE(height, 20);
  return padded(header, bytes);
}

interface Film {
  width?: number;
  height?: number;
  durationMs?: number;
  fps?: number;
  codec?: string;
  bytes?: number;
  moovFirst?: boolean;
}

/** An MP4 by its boxes. */
export function mp4(film: Film = {}): Buffer {
  const { width = 720, height = 1_280, durationMs = 5_000, fps = 30, codec = 'avc1', bytes = 4_000 } = film;
  const handler = box('hdlr', Buffer.alloc(8), Buffer.from('vide'), Buffer.alloc(13));
  const media = box('mdhd', numbers(0, 0, 0, 1_000, durationMs, 0));
  const sample = Buffer.concat([numbers(0, 1, 16), Buffer.from(codec), numbers(0, 0)]);
  const times = numbers(0, 1, Math.round((durationMs * fps) / 1_000), 1);
  const tables = box('minf', box('stbl', box('stsd', sample), box('stts', times)));
  const size = Buffer.alloc(8);
  size.writeUInt16BE(width, 0);
  size.writeUInt16BE(height, 4);
  const track = box('trak', box('tkhd', Buffer.alloc(76), size), box('mdia', media, handler, tables));
  const type = box('ftyp', Buffer.from('isom\0\0\0\0isom'));
  const index = box('moov', track);
  const data = box('mdat', Buffer.alloc(Math.max(bytes - type.length - index.length - 8, 1), PADDING));
  return Buffer.concat(film.moovFirst === false ? [type, data, index] : [type, index, data]);
}

function box(name: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 8, 0);
  header.write(name, 4, 'latin1');
  return Buffer.concat([header, body]);
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
