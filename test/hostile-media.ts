import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

/* Files made to attack their parsers, built from the small real ones. */

export const fixture = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, 'fixtures/media', name));

export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 8);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

/** An `ftyp` of a major brand and compatible ones. */
export function brands(major: string, ...compatible: readonly string[]): Buffer {
  return box('ftyp', Buffer.from(`${major}\0\0\0\0${compatible.join('')}`, 'latin1'));
}

/** The first box of a type, anywhere in the file. */
export function findBox(bytes: Buffer, type: string): Buffer {
  const at = bytes.indexOf(type, 0, 'latin1') - 4;
  return bytes.subarray(at, at + bytes.readUInt32BE(at));
}

/** The same boxes, with changed contents in the one at a path of types. */
function editBox(bytes: Buffer, [type, ...rest]: readonly string[], edit: (body: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const whole = bytes.subarray(at, at + bytes.readUInt32BE(at));
    const name = whole.toString('latin1', 4, 8);
    const body = whole.subarray(8);
    const same = name !== type;
    parts.push(
      same ? whole : box(name, rest.length === 0 ? edit(Buffer.from(body)) : editBox(body, rest, edit)),
    );
    at += whole.length;
  }
  return Buffer.concat(parts);
}

const STBL = ['moov', 'trak', 'mdia', 'minf', 'stbl'];
const film = (): Buffer => fixture('video.mp4');
const FTYP = brands('isom', 'isom', 'mp42');

export function manyTracks(count: number): Buffer {
  const moov = findBox(film(), 'moov');
  const tracks = Array.from({ length: count }, () => findBox(film(), 'trak'));
  return Buffer.concat([FTYP, box('moov', findBox(moov, 'mvhd'), ...tracks), box('mdat', Buffer.alloc(10))]);
}

/** An `stco` of as many offsets, all of them in the file. */
function manyOffsets(count: number): Buffer {
  return editBox(film(), [...STBL, 'stco'], () => {
    const body = Buffer.alloc(8 + 4 * count);
    body.writeUInt32BE(count, 4);
    for (let index = 0; index < count; index += 1) body.writeUInt32BE(1000 + index, 8 + 4 * index);
    return body;
  });
}

/** An `stts` whose entries announce millions of samples. */
function endlessSamples(): Buffer {
  return editBox(film(), [...STBL, 'stts'], () => {
    const body = Buffer.alloc(8 + 8 * 100_000);
    body.writeUInt32BE(100_000, 4);
    for (let at = 8; at < body.length; at += 8) body.fill('\x7f\xff\xff\xff\0\0\0\x01', at, at + 8, 'latin1');
    return body;
  });
}

function nested(type: string, depth: number): Buffer {
  const bytes = Buffer.alloc(8 * depth);
  for (let level = 0; level < depth; level += 1) {
    bytes.writeUInt32BE(8 * (depth - level), 8 * level);
    bytes.write(type, 8 * level + 4, 'latin1');
  }
  return bytes;
}

/** A box of a 64-bit size. */
function longBox(type: string, size: bigint): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(1);
  bytes.write(type, 4, 'latin1');
  bytes.writeBigUInt64BE(size, 8);
  return bytes;
}

function pngChunk(type: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** The small PNG with another chunk after its header. */
export function pngWith(type: string, body: Uint8Array): Buffer {
  const png = fixture('image.png');
  return Buffer.concat([png.subarray(0, 33), pngChunk(type, body), png.subarray(33)]);
}

/** Some hundred kilobytes that unpack to half a gigabyte. */
const bomb = (): Buffer => deflateSync(Buffer.alloc(500_000_000), { level: 9 });
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** The small PNG, with another size. */
function pngOfSize(width: number, height: number): Buffer {
  const png = fixture('image.png');
  const header = Buffer.from(png.subarray(16, 29));
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([png.subarray(0, 8), pngChunk('IHDR', header), png.subarray(33)]);
}

/** A segment of a JPEG. */
export function jpegSegment(marker: number, body: Uint8Array): Buffer {
  const header = Buffer.from([0xff, marker, 0, 0]);
  header.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([header, body]);
}

/** The small JPEG with more segments after its start. */
export function jpegWith(...segments: readonly Uint8Array[]): Buffer {
  const jpeg = fixture('image.jpg');
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

export function riffChunk(type: string, body: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.write(type, 0, 'latin1');
  header.writeUInt32LE(body.length, 4);
  return Buffer.concat([header, body, Buffer.alloc(body.length % 2)]);
}

/** The small WebP in the extended form, with more chunks at its end. */
export function webpWith(...chunks: readonly Uint8Array[]): Buffer {
  const extended = Buffer.alloc(10);
  extended[0] = 0x08;
  extended.writeUIntLE(119, 4, 3);
  extended.writeUIntLE(159, 7, 3);
  const picture = fixture('image.webp').subarray(12);
  return riffChunk('RIFF', Buffer.concat([latin1('WEBP'), riffChunk('VP8X', extended), picture, ...chunks]));
}

/** The small WebM with bytes inserted at the start of its segment. */
function webmWith(bytes: Uint8Array): Buffer {
  const webm = fixture('video.webm');
  const segment = webm.indexOf(Buffer.from([0x18, 0x53, 0x80, 0x67]));
  // An unknown size: the segment ends where the file does.
  const header = Buffer.from([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  return Buffer.concat([webm.subarray(0, segment), header, bytes, webm.subarray(segment + 12)]);
}

function longFilm(): Buffer {
  return editBox(film(), ['moov', 'mvhd'], (body) => {
    body.writeUInt32BE(1, 12);
    body.writeUInt32BE(0xffff_fffe, 16);
    return body;
  });
}

/** Each has a name that says what is wrong with it. None of them can be published. */
export const HOSTILE: Readonly<Record<string, () => Buffer>> = {
  'an MP4 of 20,000 tracks': () => manyTracks(20_000),
  'a PNG whose colour profile unpacks to half a gigabyte': () =>
    pngWith('iCCP', Buffer.concat([latin1('icc\0\0'), bomb()])),
  'a PNG whose text unpacks to half a gigabyte': () =>
    pngWith('zTXt', Buffer.concat([latin1('Comment\0\0'), bomb()])),
  'a PNG whose international text unpacks to half a gigabyte': () =>
    pngWith('iTXt', Buffer.concat([latin1('Comment\0\x01\0\0\0'), bomb()])),
  'an MP4 of endless samples': () => endlessSamples(),
  'an MP4 of boxes in boxes': () => Buffer.concat([FTYP, nested('moov', 100_000)]),
  'an MP4 of tracks in tracks': () => Buffer.concat([FTYP, box('moov', nested('trak', 100_000))]),
  'an MP4 of a million small boxes': () =>
    Buffer.concat([FTYP, ...Array.from({ length: 1_000_000 }, () => box('free'))]),
  'an MP4 whose box is as long as 64 bits allow': () =>
    Buffer.concat([FTYP, longBox('moov', 2n ** 64n - 1n)]),
  'an MP4 whose box has no length': () => Buffer.concat([FTYP, longBox('moov', 0n)]),
  'an MP4 whose index ends with the file': () =>
    Buffer.concat([FTYP, latin1('\0\0\0\0moov'), Buffer.alloc(64)]),
  'a PNG of 4,294,967,295 pixels': () => pngOfSize(4_294_967_295, 4_294_967_295),
  'a PNG of 70,000 pixels': () => pngOfSize(70_000, 1),
  'a PNG without pixels': () => pngOfSize(0, 0),
  'a WebM of endless elements': () =>
    webmWith(Buffer.alloc(1_000_000, Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))),
  'a WebM of clusters in clusters': () =>
    webmWith(
      Buffer.alloc(
        1_200_000,
        Buffer.from([0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      ),
    ),
  'a GIF of a million comments': () =>
    Buffer.concat([
      fixture('image.gif').subarray(0, 13),
      Buffer.alloc(3_000_000, Buffer.from([0x21, 0xfe, 0x00])),
    ]),
};

/** Hard to parse, but without a visible fault. */
export const LABORIOUS: Readonly<Record<string, () => Buffer>> = {
  'an MP4 of a million chunk offsets': () => manyOffsets(1_000_000),
  'an MP4 whose header says a hundred years': () => longFilm(),
  'a JPEG of 100,000 comments': () =>
    jpegWith(...Array.from({ length: 100_000 }, () => jpegSegment(0xfe, latin1('x')))),
  'a WebP of 100,000 chunks': () =>
    webpWith(...Array.from({ length: 100_000 }, () => riffChunk('XMP ', latin1('x')))),
};
