import { chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Client } from 'pg';
import { type Child, startChild } from '../../stack/child.ts';
import { freePort } from '../../stack/ports.ts';
import { run } from '../../stack/run.ts';
import { until } from '../world.ts';
import { findPgBouncer, runnable } from './binary.ts';

/** PgBouncer refuses to run as root, and must reach its files as another user. */
const NOBODY = 65_534;

/**
 * A PgBouncer in transaction mode in front of a URL's PostgreSQL, with a pool of few connections, so that clients
 * really share them.
 * @param settings additional lines of its configuration
 * @returns the URL to connect to, and a way to stop it
 */
export async function startPgBouncer(
  databaseUrl: string,
  settings: readonly string[] = [],
): Promise<{ url: string; child: Child; stop: () => Promise<void> }> {
  const binary = await findPgBouncer();
  const target = new URL(databaseUrl);
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'everpost-pgbouncer-'));
  const root = binary.root === null ? null : join(dir, 'root');
  if (binary.root !== null && root !== null)
    cpSync(binary.root, root, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(dir, 'users.txt'), `"${target.username}" "${decodeURIComponent(target.password)}"\n`);
  writeFileSync(
    join(dir, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=${target.hostname} port=${target.port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${join(dir, 'users.txt')}`,
      'pool_mode = transaction',
      'default_pool_size = 3',
      'max_client_conn = 200',
      ...settings,
      '',
    ].join('\n'),
  );
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chownSync(dir, NOBODY, NOBODY);
    await run(['chown', '-R', `${NOBODY}:${NOBODY}`, dir]);
  }
  const { command, env } = runnable(root);
  const child = await startChild({
    name: 'pgbouncer',
    command: [command, join(dir, 'pgbouncer.ini')],
    cwd: dir,
    logFile: join(dir, 'pgbouncer.log'),
    env,
    stopSignal: 'SIGINT',
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const stop = async (): Promise<void> => {
    await child.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await until('PgBouncer to answer', async () => {
      if (!child.isRunning()) throw new Error(`PgBouncer ended: ${child.logTail()}`);
      const client = new Client({ connectionString: url.href });
      client.on('error', () => {});
      return client
        .connect()
        .then(() => client.end())
        .then(
          () => true,
          () => null,
        );
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: url.href, child, stop };
}
