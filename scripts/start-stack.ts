import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild, type Child } from './child.ts';
import { environment } from './environment.ts';
import { folder, kept, randomKey, randomKeyring } from './folder.ts';
import { choosePorts, type Ports } from './kept-ports.ts';
import { startPostgres } from './postgres.ts';
import { untilApiReady, untilSandboxReady } from './readiness.ts';
import { run } from './run.ts';
import { hasCredentials, PROVIDERS, sandboxApp, type SandboxedProvider } from './sandboxed-providers.ts';
import { during, say } from './say.ts';
import { endStaleChildren } from './stale-children.ts';
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
  sandboxed: readonly string[];
  worker: Child;
}

export interface StackOptions {
  /** Whether the sandbox also stands in for providers whose credentials are set. */
  sandboxAlways: boolean;
}

type Settings = Record<string, string | undefined>;
type Adopt = <Started extends { child: Child }>(starting: Promise<Started>) => Promise<Started>;

/** @param adopt is told of each process as soon as it runs; @param signal ends the start half way */
export async function startStack(options: StackOptions, adopt: Adopt, signal: AbortSignal): Promise<Stack> {
  await endStaleChildren(say);
  const ports = await choosePorts();
  const host = environment['HOST'] || '127.0.0.1';
  const apiUrl = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${ports.api}`;
  const publicUrl = (environment['EVERPOST_PUBLIC_URL'] || apiUrl).replace(/\/+$/, '');
  const adminKey = environment['EVERPOST_ADMIN_KEY'] || kept('admin-key', randomKey);

  const [database, temporal] = await allOrNone([
    startDatabase(ports, adopt),
    startOrUseTemporal(ports, adopt, signal),
  ]);
  const settings: Settings = {
    ...environment,
    ...temporal.settings,
    EVERPOST_DIR: folder,
    DATABASE_URL: database,
    PORT: `${ports.api}`,
    HOST: host,
    EVERPOST_PUBLIC_URL: publicUrl,
    EVERPOST_KEYRING: environment['EVERPOST_KEYRING'] || kept('keyring', randomKeyring),
    EVERPOST_ADMIN_KEY: adminKey,
    EVERPOST_MEDIA: environment['EVERPOST_MEDIA'] || `file:${join(folder, 'media')}`,
  };
  await during('Database migrations', run(node('scripts/migrate.ts'), { env: settings, signal }));

  const sandboxed = PROVIDERS.filter((provider) => options.sandboxAlways || !hasCredentials(provider));
  const sandboxUrl = sandboxed.length > 0 ? `http://127.0.0.1:${ports.sandbox}` : undefined;
  if (sandboxUrl !== undefined) {
    const apps = sandboxed.map((provider) => ({ provider, app: sandboxApp(provider, publicUrl, apiUrl) }));
    await adopt(
      startOurs('sandbox', settings, [
        'sandbox/main.ts',
        `--port=${ports.sandbox}`,
        `--state-dir=${join(folder, 'sandbox')}`,
        ...apps.flatMap(({ provider, app }) => provider.sandboxArguments(app)),
      ]),
    );
    await during('Sandbox', untilSandboxReady(sandboxUrl, signal));
    dropSettings(settings, sandboxed);
    for (const { provider, app } of apps) Object.assign(settings, provider.settingsFor(app, sandboxUrl));
    if (sandboxed.length === PROVIDERS.length) settings['EVERPOST_ALLOW_PRIVATE_URLS'] ||= 'true';
  }

  const [worker] = await allOrNone([
    adopt(startOurs('worker', settings, ['worker.ts'])),
    adopt(startOurs('server', settings, ['server.ts'])),
  ]);
  await during('Server and worker', untilApiReady(apiUrl, signal));
  return {
    apiUrl,
    adminKey,
    worker: worker.child,
    sandboxed: sandboxed.map(({ name }) => name),
    ...(temporal.uiUrl === undefined ? {} : { temporalUiUrl: temporal.uiUrl }),
    ...(sandboxUrl === undefined ? {} : { sandboxUrl }),
  };
}

async function startDatabase(ports: Ports, adopt: Adopt): Promise<string> {
  const given = environment['DATABASE_URL'] ?? '';
  if (given !== '') return given;
  const dir = join(folder, 'pg');
  const starting = startPostgres({ dir, port: ports.postgres, logFile: logFile('postgres'), say });
  return (await during('PostgreSQL', adopt(starting))).url;
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
  return [process.execPath, fileURLToPath(new URL(`../${script}`, import.meta.url)), ...args];
}

function logFile(name: string): string {
  return join(folder, 'logs', `${name}.log`);
}

function dropSettings(settings: Settings, providers: readonly SandboxedProvider[]): void {
  for (const { settings: names } of providers)
    for (const name of Object.keys(settings)) if (names.test(name)) delete settings[name];
}

/** Like Promise.all, but waits for the others when one fails, so that nothing is started behind our back. */
async function allOrNone<const T extends readonly Promise<unknown>[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
