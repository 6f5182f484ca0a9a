import { type ChildProcess, fork } from 'node:child_process';
import { on, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { MediaRejected } from './errors.ts';
import { Findings } from './findings.ts';
import type { MediaStore } from './store.ts';

/*
 * Untrusted files are parsed in a separate process, because a few kilobytes can make a parser run forever or unpack
 * gigabytes. The process gets no environment and no store, and cannot change its limits.
 */

const INSPECTOR = fileURLToPath(new URL('./inspector.ts', import.meta.url));
/** An ordinary file takes a second. */
const TIME_MS = 20_000;
/** JavaScript's heap 64 MB; WebAssembly's memory 2048 pages of 64 KiB: 128 MiB. */
const LIMITS = ['--max-old-space-size=64', '--max-semi-space-size=2', '--wasm-max-mem-pages=2048'];
// The index of hours of video is a few megabytes long; a file that needs more reads is hostile.
const READ_LIMIT_BYTES = 128 * 1024 * 1024;
const READ_LIMIT = 10_000;

const Request = Type.Object({
  start: Type.Integer({ minimum: 0 }),
  length: Type.Integer({ minimum: 1, maximum: 4 * 1024 * 1024 }),
});

/** The inspection hit its limits, or ended without a result. It may be the file's fault. */
export class InspectionEnded extends Error {
  override readonly name = 'InspectionEnded';
}

const unreadable = (): MediaRejected =>
  new MediaRejected('unreadable', 'The file is not a readable video or image.');

/**
 * Reads the parts that describe a file, without its pictures.
 * @throws MediaRejected `unreadable` if the parser gives up; InspectionEnded if its process was killed; the signal's
 *   reason; the store's own error if a read fails
 */
export async function inspect(
  store: MediaStore,
  key: string,
  size: number,
  signal = new AbortController().signal,
): Promise<Findings> {
  signal.throwIfAborted();
  const child = fork(INSPECTOR, [String(size)], {
    env: {},
    execArgv: LIMITS,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const late = AbortSignal.timeout(TIME_MS);
  const kill = (): void => void child.kill('SIGKILL');
  const stop = AbortSignal.any([signal, late]);
  stop.addEventListener('abort', kill);
  try {
    const answer = await serve(child, reader(store, key, size, stop));
    if (answer === 'unreadable') throw unreadable();
    if (!Value.Check(Findings, answer)) throw new InspectionEnded('The inspector sent an invalid answer.');
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    throw late.aborted ? new InspectionEnded(`The inspection took more than ${TIME_MS / 1000} s.`) : error;
  } finally {
    stop.removeEventListener('abort', kill);
    await ended(child);
  }
}

/** Sends bytes until the inspector answers. */
async function serve(
  child: ChildProcess,
  read: (request: { start: number; length: number }) => Promise<Uint8Array>,
): Promise<unknown> {
  for await (const [message] of on(child, 'message', { close: ['close'] })) {
    if (!Value.Check(Request, message)) return message;
    // If the inspector ends meanwhile, so does the loop.
    child.send(await read(message), () => {});
  }
  throw new InspectionEnded(`The inspector ended (${child.signalCode ?? child.exitCode}).`);
}

/** Reads ranges of the file, as much as an honest file can need. */
function reader(store: MediaStore, key: string, size: number, signal: AbortSignal) {
  let bytes = 0;
  let reads = 0;
  return async ({ start, length }: { start: number; length: number }): Promise<Uint8Array> => {
    bytes += length;
    reads += 1;
    if (bytes > READ_LIMIT_BYTES || reads > READ_LIMIT) throw unreadable();
    if (start >= size) return new Uint8Array();
    const end = Math.min(start + length, size) - 1;
    return Buffer.concat(await store.read(key, { start, end, signal }).toArray());
  };
}

/** Kills the process if it still runs, and waits until the system has its memory back. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
