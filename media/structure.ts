import type { Container } from './formats.ts';

/** Reads bytes of the file; fewer at its end. */
export type Read = (start: number, length: number) => Promise<Buffer>;

/** The outermost structure of a file. */
export interface Structure {
  /** Null if it is none that we accept. */
  container: Container | null;
  /** The name of a format that we recognize but do not accept. */
  other: string | null;
  /** The last box claims more bytes than there are. */
  truncated: boolean;
  /** Whether the index of an MP4 or MOV (`moov`) precedes its media data; null for other files. */
  indexFirst: boolean | null;
}

const UNKNOWN: Structure = { container: null, other: null, truncated: false, indexFirst: null };
const ofContainer = (container: Container): Structure => ({ ...UNKNOWN, container });
const ofOther = (other: string): Structure => ({ ...UNKNOWN, other });

/**
 * Recognizes containers by signature and boxes, never by a list of brands: cameras and encoders invent brands (`XAVC`,
 * `iso6`, `dash`, `cmfc`), but every MP4 and MOV has a `moov`.
 */
export async function structureOf(read: Read, size: number): Promise<Structure> {
  const head = await read(0, 256);
  if (head.subarray(0, 3).equals(JPEG)) return ofContainer('jpeg');
  if (head.subarray(0, 8).equals(PNG)) return ofContainer('png');
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP') return ofContainer('webp');
  if (head.subarray(0, 4).equals(EBML))
    return docTypeOf(head) === 'webm' ? ofContainer('webm') : ofOther('a Matroska file');
  if (ascii(head, 0, 4) === 'GIF8') return ofOther('a GIF');
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 11) === 'AVI') return ofOther('an AVI file');
  return boxesOf(read, size);
}

const JPEG = Buffer.from([0xff, 0xd8, 0xff]);
const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const EBML = Buffer.from([0x1a, 0x45, 0xdf, 0xa3]);
/** Images and image sequences, which may also have a `moov` (ISO/IEC 23008-12, AVIF). */
const HEIF_BRANDS = /^(?:mif[12]|msf1|hei[cmsx]|hev[cmsx]|avi[fos]|avc[is])$/;
/** Recorders write a few dozen; a file with more is hostile. */
const MOST_BOXES = 1000;

/** Any box may come first: QuickTime files from before 2001 have no `ftyp`, and stream segments start with `styp`. */
async function boxesOf(read: Read, size: number): Promise<Structure> {
  let brands: string[] = [];
  let picturesSeen = false;
  let at = 0;
  for (let count = 0; count < MOST_BOXES && at + 8 <= size; count += 1) {
    const header = await read(at, 16);
    const type = ascii(header, 4, 8);
    const length = lengthOf(header, size - at);
    if (length === null) break;
    if (type === 'ftyp' || (type === 'styp' && brands.length === 0))
      brands = brandsOf(await read(at + 8, Math.min(length - 8, 1024)));
    if (type === 'moov') {
      if (HEIF_BRANDS.test(brands[0] ?? '')) break;
      const truncated = at + length > size;
      return { ...ofContainer(isQuickTime(brands) ? 'mov' : 'mp4'), truncated, indexFirst: !picturesSeen };
    }
    picturesSeen ||= type === 'mdat' || type === 'moof';
    at += length;
  }
  return HEIF_BRANDS.test(brands[0] ?? '')
    ? ofOther('a HEIC or AVIF image')
    : { ...UNKNOWN, truncated: at > size && (brands.length > 0 || picturesSeen) };
}

/** The length of a box, header included; null if no box starts here. */
function lengthOf(header: Buffer, left: number): number | null {
  if (header.length < 8) return null;
  const short = header.readUInt32BE(0);
  // 0: up to the end of the file. 1: a 64-bit length follows.
  if (short === 0) return left;
  const length = short === 1 && header.length === 16 ? Number(header.readBigUInt64BE(8)) : short;
  return length < 8 || !Number.isSafeInteger(length) ? null : length;
}

/** The major brand, then the compatible ones; a version number is between them. */
function brandsOf(body: Buffer): string[] {
  const brands = [ascii(body, 0, 4)];
  for (let at = 8; at + 4 <= body.length; at += 4) brands.push(ascii(body, at, at + 4));
  return brands;
}

function isQuickTime([major, ...compatible]: readonly string[]): boolean {
  if (major === undefined || major === 'qt  ') return true;
  return compatible.includes('qt  ') && !compatible.some((brand) => /^(?:iso|mp4)/.test(brand));
}

/** The EBML element DocType (id 0x4282), within the first bytes (RFC 8794 section 11.2.4). */
function docTypeOf(head: Buffer): string {
  const at = head.indexOf(Buffer.from([0x42, 0x82]));
  if (at === -1) return '';
  // Its length takes 1 to 8 bytes: the number of leading zero bits plus one (RFC 8794 section 4).
  const bytes = Math.clz32(head[at + 2] ?? 0) - 23;
  const start = at + 2 + bytes;
  const length = (head[start - 1] ?? 0) & (bytes === 1 ? 0x7f : 0xff);
  return ascii(head, start, start + length).replaceAll('\0', '');
}

function ascii(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, Math.min(end, bytes.length));
}
