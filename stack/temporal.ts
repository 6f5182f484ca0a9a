import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { startChild, type Child } from './child.ts';
import { environment } from './environment.ts';
import { answers, freePort } from './ports.ts';
import type { TemporalBinary } from './temporal-binary.ts';
import { withoutTemporal } from './temporal-settings.ts';

export { findTemporalBinary } from './temporal-binary.ts';

/** The search attributes for operators in the Temporal UI. */
const SEARCH_ATTRIBUTES = [
  'EverpostUser',
  'EverpostAccount',
  'EverpostProvider',
  'EverpostState',
  'EverpostProviderId',
] as const;

export interface Temporal {
  address: string;
  namespace: 'default';
  pid: number;
  /** Absent when headless. */
  uiUrl?: string;
  child: Child;
  stop(): Promise<void>;
}

export interface TemporalOptions {
  binary: TemporalBinary;
  /** The folder of its database; without it, the database is in memory. */
  dir?: string | undefined;
  /** Default: any free port. */
  port?: number;
  /** Default: no UI. */
  uiPort?: number;
  searchAttributes?: readonly string[];
  dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  logFile: string;
}

export async function startTemporal(options: TemporalOptions): Promise<Temporal> {
  const port = options.port ?? (await freePort());
  const child = await startChild({
    name: 'temporal',
    command: [
      options.binary.path,
      'server',
      'start-dev',
      '--ip=127.0.0.1',
      `--port=${port}`,
      '--log-level=error',
      options.uiPort === undefined ? '--headless' : `--ui-port=${options.uiPort}`,
      ...(options.searchAttributes ?? SEARCH_ATTRIBUTES).map((name) => `--search-attribute=${name}=Keyword`),
      ...Object.entries(options.dynamicConfig ?? {}).map(
        ([key, value]) => `--dynamic-config-value=${key}=${JSON.stringify(value)}`,
      ),
      ...(options.dir === undefined ? [] : database(options.binary.version)),
    ],
    // The database has a relative name: the server puts the name into a URI, where % # ? of a path would have a
    // meaning.
    ...(options.dir === undefined ? {} : { cwd: options.dir }),
    logFile: options.logFile,
    env: { ...environment, ...withoutTemporal() },
  });
  const address = `127.0.0.1:${port}`;
  try {
    await untilReady(child, port);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    address,
    namespace: 'default',
    pid: child.pid,
    ...(options.uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${options.uiPort}` }),
    child,
    stop: () => child.stop(),
  };
}

/** An older version's file is not migrated, so each version has its own. */
function database(version: string): string[] {
  return [
    `--db-filename=temporal-${version}.db`,
    '--sqlite-pragma=journal_mode=WAL',
    '--sqlite-pragma=synchronous=NORMAL',
  ];
}

async function untilReady(child: Child, port: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (child.isRunning() && Date.now() < deadline) {
    // gRPC would wait a second after a refused connection.
    if (!(await answers(port))) {
      await sleep(20);
      continue;
    }
    const connection = Connection.lazy({ address: `127.0.0.1:${port}` });
    try {
      await connection.withDeadline(Date.now() + 1_000, () =>
        connection.workflowService.describeNamespace({ namespace: 'default' }),
      );
      return;
    } catch {
      await sleep(50);
    } finally {
      await connection.close();
    }
  }
  throw new Error(`Temporal did not start. Its last lines (${child.logFile}):\n${child.logTail()}`);
}
