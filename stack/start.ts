import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { misspeltSettings } from '../config.ts';
import { startChild, type Child } from './child.ts';
import { environment } from './environment.ts';
import { folder, kept, randomKey, randomKeyring } from './kept/folder.ts';
import { choosePorts, type Ports } from './kept/ports.ts';
import { startPostgres } from './postgres.ts';
import { untilApiReady, untilSandboxReady } from './readiness.ts';
import { run } from './run.ts';
import type { Driver } from '../test/drivers/driver.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import type { App } from '../test/drivers/sandbox.ts';
import { hasCredentials, sandboxApp } from './sandboxed.ts';
import { during, say } from './say.ts';
import { endStaleChildren } from './kept/stale-children.ts';
import { findTemporalBinary, startTemporal } from './temporal.ts';
import { embeddedTemporalSettings } from './temporal-settings.ts';

export interface Stack {
  apiUrl: string;
  adminKey: string;
  /** Absent when somebody else's Temporal is used. */
  temporalUiUrl?: string;
  /** Absent when every provider has credentials of its own. */
  sandboxUrl?: string;
  /** The providers that the sandbox stands in for. */
  sandboxed: readonly Driver[];
  worker: Child;
}

export interface StackOptions {
  /** Whether the sandbox also stands in for providers whose credentials are set. */
  sandboxAlways: boolean;
}

type Settings = Record<string, string | undefined>;
type Sandboxed = { driver: Driver; app: App };
type Adopt = <Started extends { child: Child }>(starting: Promise<Started>) => Promise<Started>;

/** @param adopt is told of each process as soon as it runs; @param signal ends the start half way */
export async function startStack(options: StackOptions, adopt: Adopt, signal: AbortSignal): Promise<Stack> {
  for (const warning of misspeltSettings()) say(`Warning: ${warning}`);
  await endStaleChildren(say);
  const ports = await choosePorts();
  const host = environment['HOST'] || '127.0.0.1';
  const apiUrl = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${ports.api}`;
  const publicUrl = (environment['EVERPOST_PUBLIC_URL'] || apiUrl).replace(/\/+$/, '');
  const adminKey = environment['EVERPOST_ADMIN_KEY'] || kept('admin-key', randomKey);
  const sandboxed = DRIVERS.filter((driver) => options.sandboxAlways || !hasCredentials(driver)).map(
    (driver) => ({ driver, app: sandboxApp(driver, publicUrl, apiUrl) }),
  );

  const [databaseUrl, temporal, sandboxUrl] = await allOrNone([
    startDatabase(ports, adopt, signal),
    startOrUseTemporal(ports, adopt, signal),
    startSandbox(ports, sandboxed, adopt, signal),
  ]);
  const settings: Settings = {
    ...environment,
    ...temporal.settings,
    EVERPOST_DIR: folder,
    DATABASE_URL: databaseUrl,
    PORT: `${ports.api}`,
    HOST: host,
    EVERPOST_PUBLIC_URL: publicUrl,
    EVERPOST_KEYRING: environment['EVERPOST_KEYRING'] || kept('keyring', randomKeyring),
    EVERPOST_ADMIN_KEY: adminKey,
    EVERPOST_MEDIA: environment['EVERPOST_MEDIA'] || `file:${join(folder, 'media')}`,
  };
  if (sandboxUrl !== undefined) useSandbox(settings, sandboxed, sandboxUrl);

  const [worker] = await allOrNone([
    adopt(startOurs('worker', settings, ['worker.ts'])),
    adopt(startOurs('server', settings, ['server.ts'])),
  ]);
  await during('Server and worker', untilApiReady(apiUrl, signal));
  return {
    apiUrl,
    adminKey,
    worker: worker.child,
    sandboxed: sandboxed.map(({ driver }) => driver),
    ...(temporal.uiUrl === undefined ? {} : { temporalUiUrl: temporal.uiUrl }),
    ...(sandboxUrl === undefined ? {} : { sandboxUrl }),
  };
}

async function startDatabase(ports: Ports, adopt: Adopt, signal: AbortSignal): Promise<string> {
  const url = await givenOrOwnDatabase(ports, adopt);
  const env = { ...environment, DATABASE_URL: url };
  await during('Database migrations', run(node('scripts/migrate.ts'), { env, signal }));
  return url;
}

async function givenOrOwnDatabase(ports: Ports, adopt: Adopt): Promise<string> {
  const given = environment['DATABASE_URL'] ?? '';
  if (given !== '') {
    say('PostgreSQL: DATABASE_URL is set, using that');
    return given;
  }
  const options = { dir: join(folder, 'pg'), port: ports.postgres, logFile: logFile('postgres'), say };
  return (await during('PostgreSQL', adopt(startPostgres(options)))).url;
}

async function startOrUseTemporal(
  ports: Ports,
  adopt: Adopt,
  signal: AbortSignal,
): Promise<{ settings: Settings; uiUrl?: string }> {
  const given = environment['TEMPORAL_ADDRESS'] ?? '';
  if (given !== '') {
    say(`Temporal: TEMPORAL_ADDRESS is set, using ${given}`);
    return { settings: {} };
  }
  const binary = await during('Finding a Temporal server', findTemporalBinary(say, signal));
  const starting = startTemporal({
    binary,
    dir: folder,
    port: ports.temporal,
    uiPort: ports.temporalUi,
    logFile: logFile('temporal'),
  });
  const { address, namespace, uiUrl } = await during('Temporal', adopt(starting));
  return {
    settings: embeddedTemporalSettings(address, namespace),
    ...(uiUrl === undefined ? {} : { uiUrl }),
  };
}

async function startSandbox(
  ports: Ports,
  sandboxed: readonly Sandboxed[],
  adopt: Adopt,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (sandboxed.length === 0) return undefined;
  const url = `http://127.0.0.1:${ports.sandbox}`;
  const args = [
    'sandbox/main.ts',
    `--port=${ports.sandbox}`,
    `--state-dir=${join(folder, 'sandbox')}`,
    ...sandboxed.flatMap(({ driver, app }) => driver.sandboxFlags(app)),
  ];
  await adopt(startOurs('sandbox', environment, args));
  await during('Sandbox', untilSandboxReady(url, signal));
  return url;
}

function useSandbox(settings: Settings, sandboxed: readonly Sandboxed[], url: string): void {
  for (const { driver, app } of sandboxed) {
    for (const name of Object.keys(settings)) if (driver.settings.test(name)) delete settings[name];
    for (const [name, value] of Object.entries(driver.settingsFor(app, url))) settings[name] ||= value;
  }
  if (sandboxed.length === DRIVERS.length) settings['EVERPOST_ALLOW_PRIVATE_URLS'] ||= 'true';
}

async function startOurs(name: string, env: Settings, args: readonly string[]): Promise<{ child: Child }> {
  const command = node(...args);
  // The worker may be in the middle of sending a chunk.
  const child = await startChild({
    name,
    command,
    env: { ...env },
    logFile: logFile(name),
    killAfterMs: 40_000,
  });
  return { child };
}

function node(script = '', ...args: string[]): string[] {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  // A small nursery keeps a process some 80 MB smaller; `npm run start:worker` has it, too.
  return [process.execPath, '--max-semi-space-size=2', path, ...args];
}

function logFile(name: string): string {
  return join(folder, 'logs', `${name}.log`);
}

/** Like Promise.all, but waits for the others when one fails, so that nothing is started behind our back. */
async function allOrNone<const T extends readonly Promise<unknown>[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
