import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The memory of a process, in bytes: all of it, its own, and the part shared with its files (code, libraries). */
export interface Memory {
  total: number;
  own: number;
  files: number;
}

const SAMPLES = 10;
const STEADY_BYTES = 3e6;
const PATIENCE_MS = 120_000;

/** @returns null if the system does not report it (only Linux does) */
function memoryOf(pid: number): Memory | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { total: bytes('VmRSS'), own: bytes('RssAnon'), files: bytes('RssFile') + bytes('RssShmem') };
  } catch {
    return null;
  }
}

/** The memory of a process once it has changed by at most 3 MB for some seconds, or after two minutes. */
export async function settledMemory(pid: number): Promise<Memory | null> {
  const end = Date.now() + PATIENCE_MS;
  const last: number[] = [];
  let memory = memoryOf(pid);
  while (memory !== null && Date.now() < end) {
    last.push(memory.total);
    if (last.length > SAMPLES) last.shift();
    if (last.length === SAMPLES && Math.max(...last) - Math.min(...last) < STEADY_BYTES) break;
    await sleep(1_000);
    memory = memoryOf(pid);
  }
  return memory;
}
