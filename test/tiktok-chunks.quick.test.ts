import { assert, constantFrom, integer, oneof, property } from 'fast-check';
import { expect, test } from 'vitest';
import type { Chunk } from '../providers/publishing.ts';
import { chunks } from '../providers/tiktok/upload.ts';

/* TikTok's rules for chunks (tiktok-facts 4.6), with each "MB" in its stricter meaning. */

const LEAST = 5 * 1024 * 1024;
const MOST = 64_000_000;
const MOST_OF_LAST = 128_000_000;
const MOST_CHUNKS = 1000;
const LARGEST_FILE = 4 * 1024 ** 3;

const around = (center: number) =>
  integer({ min: Math.max(1, center - 2), max: Math.min(LARGEST_FILE, center + 2) });
const size = oneof(
  integer({ min: 1, max: LARGEST_FILE }),
  integer({ min: 1, max: 140_000_000 }),
  constantFrom(1, LEAST, MOST, 64 * 1024 * 1024, MOST_OF_LAST, LARGEST_FILE).chain(around),
  integer({ min: 1, max: 429 }).chain((tens) => around(tens * 10_000_000)),
);

const length = ({ first, last }: Chunk): number => last - first + 1;

/** Of a file, its chunks, and the chunk size that we declare. */
type Rule = (bytes: number, cut: readonly Chunk[], chunkSize: number) => boolean;

test.each<[string, Rule]>([
  [
    'chunks follow each other without gaps',
    (_bytes, cut) =>
      cut.every(({ first }, index) => first === (index === 0 ? 0 : (cut[index - 1]?.last ?? 0) + 1)),
  ],
  [
    'chunks cover the file to its last byte',
    (bytes, cut) => cut.reduce((sum, chunk) => sum + length(chunk), 0) === bytes,
  ],
  [
    'all chunks but the last have the declared size',
    (_bytes, cut, chunkSize) => cut.slice(0, -1).every((chunk) => length(chunk) === chunkSize),
  ],
  [
    'the declared size is one that TikTok takes, unless the file is one chunk',
    (_bytes, cut, chunkSize) => chunkSize <= MOST && (chunkSize >= LEAST || cut.length === 1),
  ],
  [
    'the last chunk takes the remainder, but not too much of it',
    (_bytes, cut, chunkSize) =>
      cut.slice(-1).every((last) => length(last) >= chunkSize && length(last) <= MOST_OF_LAST),
  ],
  [
    'their number is what TikTok computes from size and chunk size',
    (bytes, cut, chunkSize) =>
      cut.length >= 1 && cut.length <= MOST_CHUNKS && cut.length === Math.floor(bytes / chunkSize),
  ],
  [
    'a file in one chunk is declared with its own size',
    (bytes, cut, chunkSize) => cut.length > 1 || chunkSize === bytes,
  ],
])('%s', (_rule, holds) => {
  const check = property(size, (bytes) => {
    const cut = chunks(bytes);
    return holds(bytes, cut, length(cut[0] ?? { first: 0, last: -1 }));
  });
  assert(check, { numRuns: 2_000 });
});

test.each([
  [4_194_304, 4_194_304, 1, 4_194_304],
  [5_000_000, 5_000_000, 1, 5_000_000],
  [64_000_000, 64_000_000, 1, 64_000_000],
  [64_000_001, 10_000_000, 6, 14_000_001],
  [66_259_900, 10_000_000, 6, 16_259_900],
  [94_000_000, 10_000_000, 9, 14_000_000],
  [158_008_374, 10_000_000, 15, 18_008_374],
  [1_000_000_000, 10_000_000, 100, 10_000_000],
  [4_294_967_296, 10_000_000, 429, 14_967_296],
])('%d bytes: chunks of %d, %d of them, the last of %d', (bytes, chunkSize, count, last) => {
  const lengths = chunks(bytes).map((chunk) => length(chunk));
  expect(lengths).toHaveLength(count);
  expect(lengths[0]).toBe(chunkSize);
  expect(lengths.at(-1)).toBe(last);
});
