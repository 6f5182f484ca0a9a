import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment } from '../../stack/environment.ts';
import { run } from '../../stack/run.ts';

/**
 * Debian 12's packages: 1.18 supports no prepared statements in transaction mode, which is the harder case. They
 * include the libraries, so that nothing has to be installed.
 */
const PACKAGES = [
  {
    name: 'pgbouncer=1.18.0-1+deb12u1',
    sha256: 'b8468c31f94596da0967b1a27980a0a036268eb8e53d3e647651bd7b82b6f65e',
  },
  {
    name: 'libevent-2.1-7=2.1.12-stable-8+deb12u1',
    sha256: '95a025ae2548aed9dbb0f0a0215b0483b7fa43db1d4f1f318f013f2ea84987c3',
  },
  { name: 'libc-ares2=1.18.1-3', sha256: '087fd5c2ac883202e1786ab45617cdab7f77bc7f060d58cca177ddf6b6c3fa73' },
] as const;

/** A PgBouncer and its libraries. */
export interface PgBouncerBinary {
  /** A folder with `usr/sbin/pgbouncer`; null: the system's. */
  root: string | null;
  version: string;
}

/**
 * Finds a PgBouncer: our copy, Debian's package, the one on PATH.
 * @throws Error that names every way out
 */
export async function findPgBouncer(): Promise<PgBouncerBinary> {
  const root = join(
    environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'),
    'everpost',
    'pgbouncer-1.18.0',
  );
  const failures: string[] = [];
  for (const find of [() => fetched(root), () => versionOf(null)]) {
    try {
      return await find();
    } catch (error) {
      failures.push(error instanceof Error ? error.message.trim() : String(error));
    }
  }
  throw new Error(
    `This test needs a PgBouncer: on Debian 12 (x86_64) apt-get fetches it, elsewhere put one on PATH.\n${failures.join('\n')}`,
  );
}

async function fetched(root: string): Promise<PgBouncerBinary> {
  if (!existsSync(root)) await fetchInto(root);
  return versionOf(root);
}

/** Built in a temporary folder and moved into place once complete. */
async function fetchInto(root: string): Promise<void> {
  mkdirSync(join(root, '..'), { recursive: true });
  const work = mkdtempSync(`${root}-`);
  try {
    const unpacked = join(work, 'root');
    for (const { name, sha256 } of PACKAGES) {
      await run(['apt-get', 'download', name], { cwd: work });
      const file = readdirSync(work).find((entry) => entry.endsWith('.deb')) ?? '';
      const found = createHash('sha256')
        .update(readFileSync(join(work, file)))
        .digest('hex');
      if (found !== sha256) throw new Error(`${name} has the SHA-256 ${found} instead of ${sha256}`);
      await run(['dpkg', '-x', join(work, file), unpacked]);
      rmSync(join(work, file));
    }
    renameSync(unpacked, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function versionOf(root: string | null): Promise<PgBouncerBinary> {
  const { command, env } = runnable(root);
  const text = await run([command, '--version'], { cwd: tmpdir(), env });
  return { root, version: /\d+\.\d+\.\d+/.exec(text)?.[0] ?? text.trim() };
}

/** The command and environment of a PgBouncer below `root`. */
export function runnable(root: string | null): { command: string; env: NodeJS.ProcessEnv } {
  if (root === null) return { command: 'pgbouncer', env: { PATH: `${environment['PATH']}:/usr/sbin` } };
  return {
    command: join(root, 'usr/sbin/pgbouncer'),
    env: { PATH: environment['PATH'], LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') },
  };
}
