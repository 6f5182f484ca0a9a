import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { run } from './run.ts';

/**
 * Shows whether a process id still means the same program: ids are reused, so check before you kill. A hash of its
 * command line, which may contain secrets; empty if there is no such process.
 */
export async function fingerprint(pid: number): Promise<string> {
  const text = await commandLine(pid);
  return text === '' ? '' : createHash('sha256').update(text).digest('hex');
}

async function commandLine(pid: number): Promise<string> {
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return '';
    }
  }
  return run(['ps', '-o', 'args=', '-p', `${pid}`]).catch(() => '');
}
