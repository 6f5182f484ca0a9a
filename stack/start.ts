import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Driver } from '../test/drivers/driver.ts';
import { ROOT } from './checkout.ts';
import { startChild, type Child } from './child.ts';
import { startPostgres } from './postgres.ts';
import { untilAlive, untilApiReady, untilSandboxReady } from './readiness.ts';
import { run } from './run.ts';
import { sandboxCommand, sandboxFlags, type SandboxOptions } from './sandbox.ts';
import { type Addresses, bareEnvironment, type Secrets, type Settings, settingsOf } from './settings.ts';
import { findTemporalBinary, startTemporal } from './temporal.ts';
import { temporalSettings } from './temporal-settings.ts';

/* The one way to start Everpost: PostgreSQL, Temporal, the sandbox, servers and workers, each a process of its own. */

export type Role = 'postgres' | 'temporal' | 'sandbox' | 'server' | 'worker';

/** Keeps the processes of a stack, and ends them. */
export interface Keeper {
  logFile: (role: Role) => string;
  /** Starts a process, now and perhaps again. */
  keep: (role: Role, start: () => Promise<Child>) => Promise<Child>;
}

export interface StartOptions extends Addresses {
  /** Everything that the stack writes is below it. */
  dir: string;
  keeper: Keeper;
  secrets: Secrets;
  /** An existing database, or the port of a PostgreSQL to start. */
  database: { url: string; migrated?: boolean } | { port: number; throwAway?: boolean };
  /** The settings of an existing Temporal server, or the port of one to start. */
  temporal: { settings: Settings } | { port: number; uiPort?: number; timeSkipping?: boolean };
  /** The platforms that a sandbox plays. */
  sandboxed: readonly Driver[];
  /** An existing sandbox, or the port of one to start. */
  sandbox: { url: string } | ({ port: number } & SandboxOptions);
  /** The port of each server; `apiUrl` leads to the first. */
  servers: readonly number[];
  workers: number;
  /** The environment that the settings are added to; without it, PATH and HOME only. */
  base?: Settings;
  /** Settings that override all others. */
  more?: Settings;
  /** Cancels the start. */
  signal?: AbortSignal;
  say?: (line: string) => void;
  /** Shows what the start waits for. */
  during?: <T>(what: string, work: Promise<T>) => Promise<T>;
}

export interface Stack {
  apiUrl: string;
  databaseUrl: string;
  /** Absent: the Temporal server ran already, or has no UI. */
  temporalUiUrl?: string;
  /** Absent: no platform is sandboxed. */
  sandboxUrl?: string;
  sandboxed: readonly Driver[];
  secrets: Secrets;
  /** Of server and worker. */
  settings: Settings;
}

type Complete = StartOptions & Required<Pick<StartOptions, 'base' | 'signal' | 'say' | 'during'>>;

/** Starts everything, and waits until it answers. @throws Error that says what did not start, and why */
export async function start(given: StartOptions): Promise<Stack> {
  const options: Complete = {
    base: bareEnvironment,
    signal: new AbortController().signal,
    say: () => {},
    during: (_what, work) => work,
    ...given,
  };
  const { apiUrl, secrets, sandboxed, keeper } = options;
  const [databaseUrl, temporal, sandboxUrl] = await allOrNone([
    startDatabase(options),
    startOrUseTemporal(options),
    startSandbox(options),
  ]);
  const sandbox = sandboxUrl === undefined ? null : { url: sandboxUrl, drivers: sandboxed };
  const settings = {
    ...settingsOf(options.base, { ...options, databaseUrl, temporal: temporal.settings, sandbox }, secrets),
    PORT: String(options.servers[0]),
    ...options.more,
  };
  const ours = (role: 'server' | 'worker', more: Settings = {}): Promise<Child> =>
    keeper.keep(role, () => startRole(role, { ...settings, ...more }, keeper.logFile(role)));
  const children = await allOrNone([
    ...options.servers.map((port) => ours('server', { PORT: String(port) })),
    ...Array.from({ length: options.workers }, () => ours('worker')),
  ]);
  await options.during('Server and worker', Promise.race([untilUp(options), ...children.map(untilEnded)]));
  return {
    apiUrl,
    databaseUrl,
    secrets,
    sandboxed,
    settings,
    ...(temporal.uiUrl === undefined ? {} : { temporalUiUrl: temporal.uiUrl }),
    ...(sandboxUrl === undefined ? {} : { sandboxUrl }),
  };
}

/**
 * Starts a server or a worker as production does.
 * @param under a command that executes it, in surroundings of its making
 */
export function startRole(
  role: 'server' | 'worker',
  settings: Settings,
  logFile: string,
  under: readonly string[] = [],
): Promise<Child> {
  return startChild({
    name: role,
    command: [...under, ...productionCommand(role)],
    cwd: ROOT,
    env: { ...settings },
    logFile,
    // A worker may be in the middle of sending a chunk.
    killAfterMs: 40_000,
  });
}

/** What `npm run start:server` and `npm run start:worker` run, with this Node.js. */
function productionCommand(role: 'server' | 'worker'): string[] {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  const [exec, node, ...rest] = (scripts[`start:${role}`] ?? '').split(' ');
  if (exec !== 'exec' || node !== 'node')
    throw new Error(`start:${role} of package.json does not start with "exec node"`);
  return [process.execPath, ...rest];
}

async function startDatabase(options: Complete): Promise<string> {
  const { database, dir, keeper, during, say, signal } = options;
  let url = '';
  let migrated = false;
  if ('url' in database) ({ url, migrated = false } = database);
  else
    await during(
      'PostgreSQL',
      keeper.keep('postgres', async () => {
        const place = { dir: join(dir, 'pg'), logFile: keeper.logFile('postgres'), say };
        const started = await startPostgres({ ...place, ...database });
        ({ url } = started);
        return started.child;
      }),
    );
  if (migrated) return url;
  const command = [process.execPath, join(ROOT, 'scripts/migrate.ts')];
  const env = { ...options.base, DATABASE_URL: url };
  await during('Database migrations', run(command, { env, signal }));
  return url;
}

async function startOrUseTemporal(options: Complete): Promise<{ settings: Settings; uiUrl?: string }> {
  const { temporal, dir, keeper, during, say, signal } = options;
  if ('settings' in temporal) return temporal;
  const { port, uiPort, timeSkipping } = temporal;
  const binary = await during('Finding a Temporal server', findTemporalBinary(say, signal));
  const starting = keeper.keep('temporal', async () => {
    const started = await startTemporal({
      binary,
      dir,
      port,
      ...(uiPort === undefined ? {} : { uiPort }),
      ...(timeSkipping === true ? { dynamicConfig: { 'frontend.WorkflowTimeSkippingEnabled': true } } : {}),
      logFile: keeper.logFile('temporal'),
    });
    return started.child;
  });
  await during('Temporal', starting);
  return {
    settings: temporalSettings(dir, `127.0.0.1:${port}`, 'default'),
    ...(uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${uiPort}` }),
  };
}

async function startSandbox(options: Complete): Promise<string | undefined> {
  const { sandbox, sandboxed, secrets, keeper, during, signal } = options;
  if (sandboxed.length === 0) return undefined;
  if ('url' in sandbox) return sandbox.url;
  const url = `http://127.0.0.1:${sandbox.port}`;
  const command = sandboxCommand(sandbox.port, sandboxFlags(sandboxed, secrets, options, sandbox));
  await keeper.keep('sandbox', () =>
    startChild({ name: 'sandbox', command, env: { ...options.base }, logFile: keeper.logFile('sandbox') }),
  );
  await during('Sandbox', untilSandboxReady(url, signal));
  return url;
}

/** @throws Error when the process ends: then nothing will answer */
async function untilEnded(child: Child): Promise<never> {
  const how = await child.exited;
  throw new Error(`${child.name} ended (${how}). Its last lines (${child.logFile}):\n${child.logTail()}`);
}

/** A server without a worker is never ready. */
async function untilUp({ apiUrl, servers, workers, signal }: Complete): Promise<void> {
  const until = workers === 0 ? untilAlive : untilApiReady;
  const { hostname } = new URL(apiUrl);
  await Promise.all(servers.map((port) => until(`http://${hostname}:${port}`, signal)));
}

/** Like Promise.all, but waits for the others when one fails: no process starts after the caller has given up. */
async function allOrNone<const T extends readonly Promise<unknown>[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
