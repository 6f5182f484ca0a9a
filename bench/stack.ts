import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Client, Connection } from '@temporalio/client';
import postgres from 'postgres';
import { migrateDatabase } from '../db/migrate.ts';
import { startChild, type Child } from '../stack/child.ts';
import { environment } from '../stack/environment.ts';
import {
  endNow,
  inventSecrets,
  productionCommand,
  ROOT,
  sandboxCommand,
  type Secrets,
  settingsOf,
} from '../stack/settings.ts';
import { freePorts } from '../stack/ports.ts';
import { startPostgres } from '../stack/postgres.ts';
import { untilApiReady, untilSandboxReady } from '../stack/readiness.ts';
import { findTemporalBinary, startTemporal } from '../stack/temporal.ts';

/** A whole Everpost: one server and one worker as production starts them, PostgreSQL and Temporal as `npm run dev` does. */
export interface Stack {
  dir: string;
  apiUrl: string;
  sandboxUrl: string;
  databaseUrl: string;
  secrets: Secrets;
  sql: postgres.Sql;
  temporal: Client;
  server: Child;
  worker: Child;
  /** Kills a process with SIGKILL and starts it again. */
  restart(role: 'server' | 'worker'): Promise<void>;
  /** Starts one more process, which ends with the stack. */
  run(name: string, command: readonly string[]): Promise<Child>;
  untilReady(): Promise<void>;
}

export interface StackOptions {
  /** Options of the sandbox's TikTok; without them it decides at once. */
  tiktok?: Readonly<Record<string, unknown>>;
  /** Whether workflows may be told to skip the time that they wait for. */
  timeSkipping?: boolean;
}

/** Starts a stack in a folder of its own, uses it, and leaves nothing behind. */
export async function withStack<T>(options: StackOptions, use: (stack: Stack) => Promise<T>): Promise<T> {
  const dir = join(tmpdir(), `everpost-bench-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(dir, { recursive: true });
  const ends: (() => Promise<unknown>)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end().catch(() => {});
    rmSync(dir, { recursive: true, force: true });
  };
  let stopping: Promise<void> | undefined;
  // Ctrl-C also fails what is under way: both ways out wait for the same end.
  const stop = (): Promise<void> => (stopping ??= stopAll());
  const interrupt = (): void => void stop().finally(() => process.exit(130));
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  try {
    return await use(await start(options, dir, ends));
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    await stop();
  }
}

async function start(options: StackOptions, dir: string, ends: (() => Promise<unknown>)[]): Promise<Stack> {
  const database = await startPostgres({ dir: join(dir, 'pg') });
  ends.push(() => database.stop());
  const sql = postgres(database.url, { max: 2, onnotice: () => {} });
  ends.push(() => sql.end({ timeout: 5 }));
  await migrateDatabase(database.url);

  const [apiPort = 0, sandboxPort = 0] = await freePorts(2);
  const temporal = await startTemporal({
    binary: await findTemporalBinary(),
    dir,
    logFile: join(dir, 'logs/temporal.log'),
    ...(options.timeSkipping === true
      ? { dynamicConfig: { 'frontend.WorkflowTimeSkippingEnabled': true } }
      : {}),
  });
  ends.push(() => endNow(temporal.child));
  // Ends with this process: a call that is still being retried would find a closed one, and throw where nobody catches.
  const connection = Connection.lazy({ address: temporal.address });

  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  const secrets = inventSecrets();
  const settings = settingsOf(
    {
      dir,
      databaseUrl: database.url,
      temporalAddress: temporal.address,
      publicUrl: apiUrl,
      sandboxUrl,
    },
    secrets,
  );
  let started = 0;
  const run = async (name: string, command: readonly string[]): Promise<Child> => {
    started += 1;
    const logFile = join(dir, 'logs', `${started}-${name}.log`);
    const env = { ...settings, PORT: String(apiPort) };
    const child = await startChild({ name, command, cwd: ROOT, logFile, env });
    ends.push(() => endNow(child));
    return child;
  };
  const tiktok = { processingMs: 0, moderationMs: 0, ...options.tiktok };
  await run('sandbox', sandboxCommand(sandboxPort, secrets, apiUrl, { tiktok }));
  await untilSandboxReady(sandboxUrl, AbortSignal.timeout(60_000));
  const stack: Stack = {
    dir,
    apiUrl,
    sandboxUrl,
    databaseUrl: database.url,
    secrets,
    sql,
    temporal: new Client({ connection }),
    server: await run('server', productionCommand('server')),
    worker: await run('worker', productionCommand('worker')),
    async restart(role) {
      await endNow(stack[role]);
      stack[role] = await run(role, productionCommand(role));
    },
    run,
    untilReady: () => untilApiReady(apiUrl, AbortSignal.timeout(120_000)),
  };
  await stack.untilReady();
  return stack;
}

/** An environment in which nothing of the caller's settings is left, for programs of the bench. */
export const bareEnvironment: NodeJS.ProcessEnv = { PATH: environment['PATH'], HOME: environment['HOME'] };
