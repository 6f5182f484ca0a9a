import { copyFileSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { SAMPLE } from './checkout.ts';

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9 };
const MAX_32_BIT = 0xffff_ffff;

/** `200MB`, `1.5 GB`, `65537B`: powers of ten, as in file managers and at TikTok. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMG]?B)?$/i.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(number) * (UNITS[unit.toUpperCase() || 'B'] ?? Number.NaN));
  if (number === '' || !Number.isSafeInteger(bytes))
    throw new Error(`--size ${text}: give a number and B, KB, MB or GB, as in 200MB`);
  return bytes;
}

/** Writes a copy of an MP4 with exactly this size: a `free` box, which players skip, fills the rest. */
export async function padMp4(source: string, target: string, size: number): Promise<void> {
  copyFileSync(source, target);
  const file = await open(target, 'r+');
  try {
    const { size: written } = await file.stat();
    const padding = size - written;
    if (padding === 0) return;
    const header = freeBoxHeader(padding);
    if (padding < header.length)
      throw new Error(
        `--size: ${source} has ${written} bytes, so it must be ${written} or at least ${written + 8}`,
      );
    await file.write(header, 0, header.length, written);
    await file.truncate(size); // a hole of zeros that uses no disk space
  } finally {
    await file.close();
  }
}

/** The sample with a `free` box at its end, which makes it as long or a little longer: another file, the same film. */
export function paddedSample(bytes: number): Buffer {
  const sample = readFileSync(SAMPLE);
  const header = freeBoxHeader(Math.max(8, bytes - sample.length));
  return Buffer.concat([sample, header, Buffer.alloc(Math.max(0, bytes - sample.length - header.length))]);
}

/** ISO/IEC 14496-12, 4.2: a size of 1 means that a 64-bit size follows the type. */
function freeBoxHeader(boxSize: number): Buffer {
  const large = boxSize > MAX_32_BIT;
  const header = Buffer.alloc(large ? 16 : 8);
  header.writeUInt32BE(large ? 1 : Math.max(boxSize, 0), 0);
  header.write('free', 4, 'latin1');
  if (large) header.writeBigUInt64BE(BigInt(boxSize), 8);
  return header;
}
