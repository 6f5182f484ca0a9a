import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Restarts the measurement and returns the current memory of the process, in MB; null if the system does not report it.
 * proc(5): writing 5 to clear_refs resets VmHWM, the peak memory of the process.
 */
export function resetPeakMemory(pid: number): number | null {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    return null;
  }
  return memoryMb(pid, 'VmRSS');
}

export function peakMemory(pid: number): number | null {
  return memoryMb(pid, 'VmHWM');
}

function memoryMb(pid: number, name: 'VmRSS' | 'VmHWM'): number | null {
  try {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line === null ? null : Math.round(Number(line[1]) / 1_000);
  } catch {
    return null;
  }
}
