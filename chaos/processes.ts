import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
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
  settingsOf,
} from '../stack/settings.ts';
import { freePorts } from '../stack/ports.ts';
import { startPostgres, type Postgres, type PostgresOptions } from '../stack/postgres.ts';
import { findTemporalBinary, startTemporal } from '../stack/temporal.ts';
import { createFleet } from './fleet.ts';

export type Stack = Awaited<ReturnType<typeof startStack>>;

/** PostgreSQL, Temporal, the sandbox, two servers and two workers: real processes in a folder of their own. */
export async function startStack(say: (line: string) => void = () => {}) {
  const dir = join(tmpdir(), `everpost-chaos-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(dir, { recursive: true });
  const secrets = inventSecrets();
  const ends: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 5 })];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed())
      await end().catch((error: unknown) => say(`at the end: ${String(error)}`));
  };
  const logFiles: string[] = [];
  const logFile = (name: string): string => {
    const file = join(dir, 'logs', `${logFiles.length}-${name}.log`);
    logFiles.push(file);
    return file;
  };
  try {
    const [databasePort = 0, temporalPort = 0, first = 0, second = 0, sandboxPort = 0] = await freePorts(5);
    const urls = [`http://127.0.0.1:${first}`, `http://127.0.0.1:${second}`] as const;
    const fleet = createFleet();
    ends.push(() => fleet.end());

    let databaseUrl = '';
    await fleet.add('postgres', async () => {
      const options = { dir: join(dir, 'pg'), port: databasePort, throwAway: true };
      const patienceMs = databaseUrl === '' ? 0 : 60_000;
      const { url, child } = await startDatabase(
        () => ({ ...options, logFile: logFile('postgres') }),
        patienceMs,
      );
      databaseUrl = url;
      return child;
    });
    // Outlives every kill: as soon as the database is back, so is the connection. Only one: a second that logs in just then
    // could be taken for a process's (chaos/backends.ts).
    const sql = postgres(databaseUrl, {
      max: 1,
      connect_timeout: 5,
      backoff: () => 0.2,
      // The driver's own question for array types has nobody who hears of its failure.
      fetch_types: false,
      onnotice: () => {},
    });
    ends.push(() => sql.end({ timeout: 5 }));
    await migrateDatabase(databaseUrl);

    const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
    const sandbox = await startChild({
      name: 'sandbox',
      // What is tested here is not the ledger, whose time is moved while the drive waits for quotas (drive.ts).
      command: sandboxCommand(sandboxPort, secrets, urls[0], {
        tiktok: { processingMs: 300, moderationMs: 200 },
        instagram: { processingMs: 300 },
        threads: { processingMs: 300 },
      }),
      cwd: ROOT,
      logFile: join(dir, 'sandbox.log'),
      env: { PATH: environment['PATH'] },
    });
    ends.push(() => endNow(sandbox));

    const binary = await findTemporalBinary();
    await fleet.add('temporal', async () => {
      const { child } = await startTemporal({
        binary,
        dir,
        port: temporalPort,
        logFile: logFile('temporal'),
        dynamicConfig: { 'frontend.WorkflowTimeSkippingEnabled': true },
      });
      return child;
    });
    const temporalAddress = `127.0.0.1:${temporalPort}`;
    const addresses = { dir, databaseUrl, temporalAddress, publicUrl: urls[0], sandboxUrl };
    const env = settingsOf(addresses, secrets);
    const ours = (role: 'server' | 'worker', port: number) => (): Promise<Child> =>
      startChild({
        name: role,
        command: productionCommand(role),
        cwd: ROOT,
        logFile: logFile(role),
        env: { ...env, PORT: String(port) },
        killAfterMs: 25_000,
      });
    await Promise.all([
      ...[first, second].map((port) => fleet.add('server', ours('server', port))),
      ...[0, 1].map(() => fleet.add('worker', ours('worker', 0))),
    ]);
    const connection = Connection.lazy({ address: temporalAddress });
    ends.push(() => connection.close());

    const repair = async (): Promise<void> => {
      await fleet.startCrashed();
      await untilReady(urls);
      await untilConnected(sql);
    };
    await repair();
    return {
      dir,
      secrets,
      urls,
      sandboxUrl,
      logFiles,
      sql,
      temporal: new Client({ connection }),
      died: fleet.died,
      kill: fleet.kill,
      startCrashed: fleet.startCrashed,
      /** Starts what has ended by itself, and waits until all answer. */
      repair,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A killed PostgreSQL leaves processes behind that end in a moment: until then another one refuses to start. */
async function startDatabase(options: () => PostgresOptions, patienceMs: number): Promise<Postgres> {
  const end = Date.now() + patienceMs;
  for (;;) {
    try {
      return await startPostgres(options());
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(200);
    }
  }
}

/** The runner's own connection has died with PostgreSQL: a statement that meets the dead one fails. */
async function untilConnected(sql: postgres.Sql): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(200);
    }
}

async function untilReady(urls: readonly string[]): Promise<void> {
  const end = Date.now() + 120_000;
  for (const url of urls)
    for (;;) {
      const signal = AbortSignal.timeout(10_000);
      if ((await fetch(`${url}/readyz`, { signal }).catch(() => null))?.status === 200) break;
      if (Date.now() > end) throw new Error(`${url} does not get ready`);
      await sleep(100);
    }
}
