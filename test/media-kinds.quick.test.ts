import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTaken, mediaTypeOf } from '../media/content-types.ts';
import { probe, type Probe } from '../media/probe.ts';
import type { MediaStore } from '../media/store.ts';
import { openMediaStore } from '../media/open.ts';
import {
  box,
  brands,
  findBox,
  fixture,
  jpegSegment,
  jpegWith,
  pngWith,
  riffChunk,
  webpWith,
} from './hostile-media.ts';

/* The type of a file from its structure, its displayed size, and the names that clients use. */

let directory: string;
let store: MediaStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'everpost-kinds-'));
  store = openMediaStore(`file:${directory}`);
});
afterAll(() => rm(directory, { recursive: true }));

async function probed(bytes: Buffer): Promise<Probe> {
  await writeFile(join(directory, 'key'), bytes);
  return probe(store, 'key');
}

/** A video with another first box of the same length, so that its index still points to its data. */
function withFirstBox(name: string, first: Buffer): Buffer {
  const film = fixture(name);
  const rest = film.subarray(film.readUInt32BE(0));
  const padding = film.readUInt32BE(0) - first.length;
  return Buffer.concat([first, ...(padding === 0 ? [] : [box('free', Buffer.alloc(padding - 8))]), rest]);
}

describe('a video', () => {
  const film = { width: 180, height: 320, codec: 'h264', durationMs: 1000 };

  test.each(['XAVC', 'iso6', 'dash', 'cmfc', 'M4V ', 'f4v ', '3gp5', 'avc1', 'hev1', 'hvc1', 'MSNV', 'zzzz'])(
    'of the brand %j is an MP4',
    async (brand) => {
      const bytes = withFirstBox('video.mp4', brands(brand));
      expect(await probed(bytes)).toMatchObject({ ...film, container: 'mp4', contentType: 'video/mp4' });
    },
  );

  test('in fragments is an MP4', async () => {
    expect(await probed(fixture('fragmented.mp4'))).toMatchObject({
      container: 'mp4',
      codec: 'h264',
      audioCodec: 'aac',
      width: 180,
      height: 320,
      indexFirst: true,
    });
  });

  test.each([
    ['of QuickTime’s brand', brands('qt  ', 'qt  ')],
    ['of another brand that is compatible with QuickTime’s only', brands('niko', 'qt  ')],
    ['without a brand', box('wide')],
    ['that begins with free space', box('free')],
    ['that begins with padding', box('skip')],
    ['that begins with a box that nobody knows', box('Zz\xa9 ')],
  ])('%s is a MOV', async (_name, first) => {
    const bytes = withFirstBox('video.mov', first);
    expect(await probed(bytes)).toMatchObject({ ...film, container: 'mov', contentType: 'video/quicktime' });
  });

  test.each([
    ['a segment’s type', box('styp', Buffer.from('msdh\0\0\0\0msdhmsix', 'latin1'))],
    ['an event', box('emsg', Buffer.alloc(8))],
  ])('that starts with %s is an MP4', async (_what, first) => {
    const fragments = fixture('fragmented.mp4');
    const rest = fragments.subarray(fragments.readUInt32BE(0));
    const types = findBox(fragments, 'ftyp');
    const bytes = Buffer.concat([first, ...(first.includes('styp') ? [] : [types]), rest]);
    expect(await probed(bytes)).toMatchObject({ container: 'mp4', codec: 'h264', width: 180, height: 320 });
  });

  test('is a WebM, whatever the length of its type’s size', async () => {
    const webm = fixture('video.webm');
    const at = webm.indexOf('webm');
    const bytes = Buffer.concat([
      webm.subarray(0, at - 1),
      Buffer.from('0100000000000004', 'hex'),
      webm.subarray(at),
    ]);
    // The header becomes seven bytes longer.
    bytes[4] = (bytes[4] ?? 0) + 7;
    expect(await probed(bytes)).toMatchObject({ container: 'webm', codec: 'vp9', width: 180, height: 320 });
  });

  test('without colours is described as such', async () => {
    expect(await probed(fixture('gray.mp4'))).toMatchObject({ codec: 'h264', chroma: '4:0:0' });
  });

  test.each(['heic', 'mif1', 'avif', 'avis', 'msf1'])('of the photo brand %j is rejected', async (brand) => {
    const still = Buffer.concat([
      brands(brand, 'mif1'),
      box('meta', Buffer.alloc(100)),
      box('mdat', Buffer.alloc(100)),
    ]);
    const sequence = Buffer.concat([brands(brand, 'isom'), findBox(fixture('video.mp4'), 'moov')]);
    for (const bytes of [still, sequence])
      await expect(probed(bytes)).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('HEIC or AVIF'),
      });
  });

  test('that is only a piece of a stream is rejected', async () => {
    const fragments = fixture('fragmented.mp4');
    const piece = fragments.subarray(fragments.indexOf('moof', 0, 'latin1') - 4);
    await expect(probed(piece)).rejects.toMatchObject({ code: 'unreadable' });
  });

  test('has a known index position, chroma subsampling and audio', async () => {
    expect(await probed(fixture('tail-422-ac3.mp4'))).toMatchObject({
      indexFirst: false,
      chroma: '4:2:2',
      audioCodec: 'ac3',
      audioChannels: 6,
      audioSampleRate: 44_100,
    });
    expect(await probed(fixture('video.mp4'))).toMatchObject({
      indexFirst: true,
      chroma: '4:2:0',
      audioCodec: 'aac',
      audioChannels: 1,
    });
  });
});

/** Exif with an orientation, in either byte order, after another tag. */
function exif(orientation: number, order: 'II' | 'MM'): Buffer {
  const bytes = Buffer.alloc(38);
  const write16 = (value: number, at: number): unknown =>
    order === 'II' ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const write32 = (value: number, at: number): unknown =>
    order === 'II' ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  bytes.write(order, 'latin1');
  write16(42, 2);
  write32(8, 4);
  write16(2, 8);
  for (const [entry, tag, value] of [
    [10, 0x0100, 9],
    [22, 0x0112, orientation],
  ] as const) {
    write16(tag, entry);
    write16(3, entry + 2);
    write32(1, entry + 4);
    write16(value, entry + 8);
  }
  return bytes;
}

describe('a photo', () => {
  const MARK = Buffer.from('Exif\0\0', 'latin1');
  const sideways = { width: 160, height: 120 };
  const upright = { width: 120, height: 160 };

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('of orientation %i has its displayed size', async (orientation) => {
    const shown = orientation >= 5 ? sideways : upright;
    const tags = exif(orientation, orientation % 2 === 0 ? 'II' : 'MM');
    const segment = jpegSegment(0xe1, Buffer.concat([MARK, tags]));
    const other = jpegSegment(0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0<x/>', 'latin1'));
    expect(await probed(jpegWith(other, segment))).toMatchObject({ container: 'jpeg', ...shown });
    expect(await probed(pngWith('eXIf', tags))).toMatchObject({ container: 'png', ...shown });
    expect(await probed(webpWith(riffChunk('EXIF', tags)))).toMatchObject({ container: 'webp', ...shown });
  });

  test('of type WebP may have JPEG’s mark before its Exif', async () => {
    const marked = riffChunk('EXIF', Buffer.concat([MARK, exif(6, 'II')]));
    expect(await probed(webpWith(marked))).toMatchObject({ container: 'webp', ...sideways });
  });

  test.each([
    ['ends early', exif(6, 'MM').subarray(0, 20)],
    ['points outside', Buffer.from('4d4d002affffffff', 'hex')],
    ['is empty', Buffer.alloc(0)],
    ['is of an impossible orientation', exif(9, 'MM')],
  ])('with Exif %s is upright', async (_name, tags) => {
    const segment = jpegSegment(0xe1, Buffer.concat([MARK, tags]));
    expect(await probed(jpegWith(segment))).toMatchObject(upright);
    expect(await probed(pngWith('eXIf', tags))).toMatchObject(upright);
    expect(await probed(webpWith(riffChunk('EXIF', tags)))).toMatchObject(upright);
  });
});

describe('a content type', () => {
  test.each([
    ['VIDEO/MP4', 'video/mp4'],
    ['video/webm;codecs=vp9,opus', 'video/webm'],
    ['video/mp4; codecs="avc1.640028, mp4a.40.2"', 'video/mp4'],
    [' Image/JPEG ; q=1', 'image/jpeg'],
  ])('%j is parsed as %j', (written, type) => {
    expect(mediaTypeOf(written)).toBe(type);
    expect(isTaken(written)).toBe(true);
  });

  test.each([
    'application/mp4',
    'video/x-m4v',
    'Video/QuickTime',
    'video/webm; codecs=vp8',
    'image/jpg',
    'image/pjpeg',
    'image/x-png',
    'application/octet-stream',
    'video/*',
  ])('%j is accepted', (contentType) => {
    expect(isTaken(contentType)).toBe(true);
  });

  test.each([
    'image/gif',
    'image/heic',
    'video/x-msvideo',
    'video/x-matroska',
    'text/html',
    'audio/mp4',
    'audio/webm;codecs=opus',
    'mp4',
    '',
    '__proto__',
  ])('%j is accepted by no platform', (contentType) => {
    expect(isTaken(contentType)).toBe(false);
  });
});
