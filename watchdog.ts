import inspector from 'node:inspector';
import { Worker } from 'node:worker_threads';

/*
 * A process with a blocked event loop answers no probe, takes no signal and logs nothing. A separate thread counts the
 * loop's turns and kills the process when they stop, so that its supervisor starts another.
 */

/** Nothing of ours blocks the event loop for more than a second or two. */
const LIMIT_S = 60;

/**
 * Watches this process's event loop.
 * @param limitS seconds without a turn before SIGKILL
 */
export function watchEventLoop(limitS = LIMIT_S): void {
  // A debugger stops the event loop on purpose.
  if (inspector.url() !== undefined) return;
  const turns = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.add(turns, 0, 1), 1_000).unref();
  const thread = new Worker(THREAD, {
    // As text, because a thread that loads TypeScript costs 20 MB more.
    eval: true,
    execArgv: [],
    workerData: { turns, limitS },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  });
  thread.unref();
}

/** Counts its own ticks: a sleeping machine stops both loops. */
const THREAD = `
  const { workerData: { turns, limitS } } = process.getBuiltinModule('node:worker_threads');
  const { writeSync } = process.getBuiltinModule('node:fs');
  let last = 0;
  let missed = 0;
  setInterval(() => {
    const now = Atomics.load(turns, 0);
    missed = now === last ? missed + 1 : 0;
    last = now;
    if (missed < limitS) return;
    const msg = 'the event loop has not turned for ' + missed + ' s: the process hangs, and is ended';
    writeSync(1, JSON.stringify({ level: 60, time: Date.now(), pid: process.pid, msg }) + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);
`;
