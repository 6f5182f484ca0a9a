import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fingerprint } from '../fingerprint.ts';
import { environment } from '../environment.ts';

/** The folder for everything embedded. */
export const folder = resolve(environment['EVERPOST_DIR'] || '.everpost');

/** Locks the folder until we end; a second start on it is refused. */
export async function lockFolder(): Promise<void> {
  // If we are root, PostgreSQL runs as another user, who needs access.
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  // The umask affects the mode of a new folder, but not a changed mode.
  if (mkdirSync(folder, { recursive: true, mode }) !== undefined) chmodSync(folder, mode);
  const file = join(folder, 'lock');
  const mine = JSON.stringify({ pid: process.pid, fingerprint: await fingerprint(process.pid) });
  for (;;) {
    try {
      return writeFileSync(file, mine, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (!existsSync(file)) throw error;
    }
    const holder = await livingHolder(file);
    if (holder !== null)
      throw new Error(
        `${folder} is in use by process ${holder}. End that one first, or give this one a folder of its own: EVERPOST_DIR=.everpost2`,
      );
    rmSync(file, { force: true });
  }
}

export function unlockFolder(): void {
  rmSync(join(folder, 'lock'), { force: true });
}

/** The process that holds the lock, if it is still the same one: process ids are reused. */
async function livingHolder(file: string): Promise<number | null> {
  try {
    const { pid, fingerprint: recorded }: { pid: number; fingerprint: string } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    return (await fingerprint(pid)) === recorded ? pid : null;
  } catch {
    return null;
  }
}

/** A text that is created at the first start and then kept, readable only by us. */
export function kept(name: string, make: () => string): string {
  const file = join(folder, name);
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** For data that is not kept but created anew: nobody else can read it either. */
export function keep(name: string, text: string): void {
  const unfinished = join(folder, `${name}.${process.pid}`);
  writeFileSync(unfinished, text, { mode: 0o600 });
  renameSync(unfinished, join(folder, name));
}

export function readKept(name: string): string | null {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

export function randomKey(): string {
  return randomBytes(32).toString('base64url');
}

/** `id:base64key`, 32 bytes, in the format of EVERPOST_KEYRING. */
export function randomKeyring(): string {
  return `${new Date().toISOString().slice(0, 10)}:${randomBytes(32).toString('base64')}`;
}
