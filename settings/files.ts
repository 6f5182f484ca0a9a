import { readFileSync, statSync } from 'node:fs';
import type { Environment } from './setting.ts';

const SUFFIX = '_FILE';
const MAX_BYTES = 65_536;

/**
 * Reads settings from files: `NAME_FILE` names a file with the value of `NAME`, as container secrets are mounted.
 * Surrounding white space is dropped.
 * @param names the settings that a file may hold
 * @returns the environment with `NAME` in place of each readable `NAME_FILE`, and the problems of the others; a problem
 *   repeats no value, because someone may have put the secret itself where the file name belongs
 */
export function readFiles(
  env: Environment,
  names: readonly string[],
): { env: Environment; problems: readonly string[] } {
  const read: Record<string, string | undefined> = { ...env };
  const problems: string[] = [];
  for (const name of names) {
    const file = env[name + SUFFIX]?.trim() ?? '';
    if (file === '') continue;
    if ((env[name]?.trim() ?? '') !== '') {
      problems.push(`${name} and ${name}${SUFFIX} are both set: keep one of them`);
      continue;
    }
    const text = textOf(file);
    if (typeof text === 'string') {
      read[name] = text;
      delete read[name + SUFFIX];
    } else problems.push(`${name}${SUFFIX} names ${text.problem}`);
  }
  return { env: read, problems };
}

function textOf(file: string): string | { problem: string } {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) return { problem: 'something that is not a file' };
    if (stats.size > MAX_BYTES) return { problem: `a file of more than ${MAX_BYTES} bytes` };
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).trim();
    if (text === '') return { problem: 'an empty file' };
    return text.includes('\0') ? { problem: 'a file that is not text' } : text;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { problem: 'a file that does not exist' };
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { problem: 'a file that is not text' };
    return { problem: 'a file that cannot be read by the user that Everpost runs as' };
  }
}
