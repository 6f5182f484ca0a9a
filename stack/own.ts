import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Client, Connection } from '@temporalio/client';
import postgres from 'postgres';
import type { ProviderName } from '../providers/provider.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { freePorts } from './ports.ts';
import { inventSecrets, type Settings } from './settings.ts';
import { type Stack, start } from './start.ts';

/** A complete Everpost in a temporary folder, for chaos and bench. */
export interface OwnStack extends Stack {
  dir: string;
  /** Of each server. */
  urls: readonly string[];
  sandboxUrl: string;
  fleet: Fleet;
  sql: postgres.Sql;
  temporal: Client;
  stop: () => Promise<void>;
}

export interface OwnOptions {
  /** Part of the folder's name. */
  name: string;
  servers?: number;
  workers?: number;
  /** Options of the fake platforms, on top of those that lift the limits of an account. */
  sandbox?: Readonly<Partial<Record<ProviderName, object>>>;
  /** Workflows may be told to skip the time that they wait for. */
  timeSkipping?: boolean;
  /** The data need not survive a crash of the machine: nothing waits for the disk. */
  throwAway?: boolean;
  /** Settings of servers and workers that override the others. */
  settings?: Settings;
  say?: (line: string) => void;
}

/** Starts a stack with invented secrets, on free ports. */
export async function startOwn(options: OwnOptions): Promise<OwnStack> {
  const { name, servers: count = 1, workers = 1, say = () => {} } = options;
  const dir = join(tmpdir(), `everpost-${name}-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(dir, { recursive: true });
  const fleet = createFleet(join(dir, 'logs'));
  const ends: (() => Promise<unknown>)[] = [
    () => rm(dir, { recursive: true, force: true, maxRetries: 5 }),
    () => fleet.end(),
  ];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed())
      await end().catch((error: unknown) => say(`at the end: ${String(error)}`));
  };
  try {
    const [database = 0, temporal = 0, sandbox = 0, ...servers] = await freePorts(3 + count);
    const urls = servers.map((port) => `http://127.0.0.1:${port}`);
    const [apiUrl = ''] = urls;
    const stack = await start({
      dir,
      keeper: fleet,
      secrets: inventSecrets(),
      apiUrl,
      publicUrl: apiUrl,
      database: { port: database, throwAway: options.throwAway ?? false },
      temporal: { port: temporal, timeSkipping: options.timeSkipping ?? false },
      sandboxed: DRIVERS,
      sandbox: { port: sandbox, options: withoutLimits(options.sandbox ?? {}) },
      servers,
      workers,
      ...(options.settings === undefined ? {} : { more: options.settings }),
    });
    const sql = connect(stack.databaseUrl);
    ends.push(() => sql.end({ timeout: 5 }));
    // Ends with this process: a call that is still being retried would find a closed one, and throw where nobody catches.
    const connection = Connection.lazy({ address: `127.0.0.1:${temporal}` });
    const sandboxUrl = `http://127.0.0.1:${sandbox}`;
    return { ...stack, dir, urls, sandboxUrl, fleet, sql, temporal: new Client({ connection }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function withoutLimits(
  options: Readonly<Partial<Record<ProviderName, object>>>,
): Readonly<Partial<Record<ProviderName, object>>> {
  return Object.fromEntries(
    DRIVERS.map((driver) => [driver.provider, { ...driver.withoutLimits, ...options[driver.provider] }]),
  );
}

/**
 * Outlives every kill: as soon as the database is back, so is the connection. Only one: a second that logs in just then could be
 * taken for a process's (chaos/backends.ts).
 */
function connect(databaseUrl: string): postgres.Sql {
  return postgres(databaseUrl, {
    max: 1,
    connect_timeout: 5,
    backoff: () => 0.2,
    // The driver's own question for array types has nobody who hears of its failure.
    fetch_types: false,
    onnotice: () => {},
  });
}
