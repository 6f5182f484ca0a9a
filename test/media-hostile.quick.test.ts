import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InspectionEnded } from '../media/inspect.ts';
import { MediaRejected, probe } from '../media/probe.ts';
import type { MediaStore } from '../media/store.ts';
import { openMediaStore } from '../media/open.ts';
import { HOSTILE, LABORIOUS } from './hostile-media.ts';

/*
 * Whatever a file does to the parser, the calling process stays small, and gets an answer within the file's time limit.
 */

const MEGABYTE = 1024 * 1024;
const TIMEOUT_MS = 120_000;

let directory: string;
let store: MediaStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'everpost-hostile-'));
  store = openMediaStore(`file:${directory}`);
});
afterAll(() => rm(directory, { recursive: true }));

/** The outcome, and the growth of this process. */
async function probed(bytes: Buffer): Promise<{ outcome: unknown; grownBytes: number }> {
  await writeFile(join(directory, 'key'), bytes);
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  const outcome = await probe(store, 'key').catch((error: unknown) => error);
  clearInterval(timer);
  return { outcome, grownBytes: peak - before };
}

test.each(Object.entries(HOSTILE))(
  '%s is refused in little memory',
  async (_name, make) => {
    const { outcome, grownBytes } = await probed(make());
    expect(outcome instanceof MediaRejected || outcome instanceof InspectionEnded).toBe(true);
    expect(grownBytes).toBeLessThan(64 * MEGABYTE);
  },
  TIMEOUT_MS,
);

test.each(Object.entries(LABORIOUS))(
  '%s is looked into in little memory',
  async (_name, make) => {
    const { outcome, grownBytes } = await probed(make());
    expect(outcome).toMatchObject({ width: expect.any(Number), height: expect.any(Number) });
    expect(grownBytes).toBeLessThan(64 * MEGABYTE);
  },
  TIMEOUT_MS,
);
