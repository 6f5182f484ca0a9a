import type { Container } from './formats.ts';
import type { Read } from './structure.ts';

/* Reads how a photo must be rotated: Exif's orientation, from any of the containers. */

/** The most segments or chunks to read; PNG encoders split a picture into up to a few thousand. */
const MOST_PARTS = 10_000;
/** The maximum size of Exif in a JPEG; the orientation is at its start. */
const EXIF_BYTES = 65_536;
const EXIF_MARK = Buffer.from('Exif\0\0', 'latin1');

/** Whether the picture must be rotated by 90 degrees: Exif orientations 5 to 8 swap width and height. */
export async function liesOnItsSide(read: Read, size: number, container: Container): Promise<boolean> {
  const exif = await findExif(read, size, container);
  return exif !== null && orientationOf(withoutMark(exif)) >= 5;
}

async function findExif(read: Read, size: number, container: Container): Promise<Buffer | null> {
  switch (container) {
    case 'jpeg':
      return exifOfJpeg(read, size);
    case 'png':
      // Length, type, body, checksum (PNG specification section 5.3).
      return exifOfChunks(read, size, 8, (header) => ({
        exif: header.toString('latin1', 4, 8) === 'eXIf',
        length: header.readUInt32BE(0),
        next: header.readUInt32BE(0) + 12,
      }));
    case 'webp':
      // Type, length, body, padded to an even length (RFC 9649 section 2.3).
      return exifOfChunks(read, size, 12, (header) => ({
        exif: header.toString('latin1', 0, 4) === 'EXIF',
        length: header.readUInt32LE(4),
        next: header.readUInt32LE(4) + (header.readUInt32LE(4) % 2) + 8,
      }));
    case 'mp4':
    case 'mov':
    case 'webm':
      return null;
  }
}

async function exifOfJpeg(read: Read, size: number): Promise<Buffer | null> {
  let at = 2;
  for (let count = 0; count < MOST_PARTS && at + 4 <= size; count += 1) {
    const header = await read(at, 10);
    const marker = header[1] ?? 0;
    // Any number of 0xFF bytes may precede a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    // The picture data follows SOS (0xDA).
    if (header.length < 10 || header[0] !== 0xff || marker === 0xda || marker === 0xd9) return null;
    const length = header.readUInt16BE(2);
    if (marker === 0xe1 && header.subarray(4, 10).equals(EXIF_MARK)) return read(at + 4, length);
    at += length + 2;
  }
  return null;
}

type Chunk = { exif: boolean; length: number; next: number };

async function exifOfChunks(
  read: Read,
  size: number,
  first: number,
  chunkOf: (header: Buffer) => Chunk,
): Promise<Buffer | null> {
  let at = first;
  for (let count = 0; count < MOST_PARTS && at + 8 <= size; count += 1) {
    const header = await read(at, 8);
    if (header.length < 8) return null;
    const { exif, length, next } = chunkOf(header);
    if (exif) return read(at + 8, Math.min(length, EXIF_BYTES));
    at += next;
  }
  return null;
}

/** A JPEG always has the mark, a WebP sometimes, a PNG never. */
function withoutMark(exif: Buffer): Buffer {
  return exif.subarray(0, EXIF_MARK.length).equals(EXIF_MARK) ? exif.subarray(EXIF_MARK.length) : exif;
}

const ORIENTATION_TAG = 0x0112;
const [SHORT, LONG] = [3, 4];

/** The tag in the first directory of a TIFF structure; 1 (upright) if there is none (Exif 2.3 section 4.6). */
function orientationOf(tiff: Buffer): number {
  const order = tiff.toString('latin1', 0, 2);
  if (tiff.length < 8 || (order !== 'II' && order !== 'MM')) return 1;
  const at16 = (at: number): number => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const at32 = (at: number): number => (order === 'II' ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const directory = at32(4);
  if (directory + 2 > tiff.length) return 1;
  const last = Math.min(directory + 2 + at16(directory) * 12, tiff.length) - 12;
  for (let entry = directory + 2; entry <= last; entry += 12) {
    if (at16(entry) !== ORIENTATION_TAG) continue;
    const type = at16(entry + 2);
    const value = type === SHORT ? at16(entry + 8) : type === LONG ? at32(entry + 8) : 1;
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
