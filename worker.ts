import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import pino from 'pino';
import { createActivities } from './activities/index.ts';
import { cleanFailures } from './activities/failures.ts';
import { lineOf, logActivity } from './activities/log.ts';
import { isDatabaseAway, isTemporalAway, isTemporalRefusal } from './api/outage.ts';
import { type Config, readConfig } from './config.ts';
import { createEnvelope } from './crypto/envelope.ts';
import { localKeyProvider } from './crypto/keys.ts';
import { createMediaLinks } from './crypto/media-links.ts';
import { openDatabase } from './db/client.ts';
import { errorLine } from './db/failures.ts';
import { installationId } from './db/installation.ts';
import { databaseProblem } from './db/problems.ts';
import { createMediaRegister } from './db/media-store.ts';
import { FINAL_STATES } from './db/schema.ts';
import { createMediaHome, watchMediaHome } from './media/home.ts';
import { openMediaStore } from './media/open.ts';
import { startAtZero } from './metrics/counters.ts';
import { serveMetrics } from './metrics/serve.ts';
import { createProviders } from './providers/index.ts';
import { sendThrough } from './providers/proxies.ts';
import { workflowBundle } from './workflow-bundle.ts';
import { startedWith } from './started.ts';
import { StartError, tellFailure } from './startup.ts';
import { watchEventLoop } from './watchdog.ts';
import { SYNC_QUEUE, TASK_QUEUE } from './temporal/names.ts';
import { NamespaceMissing, NamespaceTaken, takeNamespace } from './temporal/namespace.ts';
import { deadPollers } from './temporal/pollers.ts';
import { ensureSearchAttributes } from './temporal/setup.ts';
import { scheduleSync, unscheduleSync } from './temporal/sync.ts';
import { MINUTE } from './durations.ts';

/* The Temporal worker: runs workflows and activities until SIGTERM, then lets running activities finish. */

/** How often a waiting worker logs its reason. */
const SAY_AGAIN_MS = MINUTE;
/** How often a worker checks that the Schedule of the sweep exists. */
const LOOK_AGAIN_MS = 30_000;

const config = settings();
const log = pino({
  level: config.logLevel,
  name: 'worker',
  serializers: { error: (error: unknown) => (error instanceof Error ? errorLine(error) : error) },
});
Runtime.install({
  logger: new DefaultLogger('INFO', ({ level, message, meta }) => log[toPino(level)](lineOf(meta), message)),
});

for (const warning of config.warnings) log.warn(warning);
watchEventLoop();
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    log.fatal({ error: errorLine(error) }, 'ends after an uncaught error');
    process.exit(1);
  });

// A worker that is still starting has nothing to finish. From the SDK on, these signals belong to the running worker.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
const end = (): void => process.exit();
for (const signal of SIGNALS) process.on(signal, end);

/** Null while the worker waits to start. */
let running: readonly Worker[] | null = null;
const metrics = await listen();
sendThrough(config.proxies);
const providers = createProviders(config.providers);
startAtZero(
  providers.all.map(({ name }) => name),
  FINAL_STATES,
);

const { connectionOptions, namespace } = config.temporal;
const connection = await connect();
const client = new Client({ connection, namespace });
const database = openDatabase(config.databaseUrl, 20);
const keys = localKeyProvider(config.keyring);
const envelope = createEnvelope({ keys });
const mediaStore = createMediaHome(
  openMediaStore(config.mediaUrl),
  createMediaRegister(database.db),
  'worker',
);
const unwatchMedia = watchMediaHome(mediaStore, (trouble) =>
  trouble === null
    ? log.info('the media folder is fine again')
    : log.error({ code: trouble.code, err: trouble }, trouble.message),
);

try {
  await ensureSearchAttributes(client).catch((error: unknown) =>
    log.warn(
      { error: String(error) },
      'could not register the search attributes; register them yourself (docs/operations.md)',
    ),
  );
  const workflows = await workflowBundle(config.dir);
  await untilWorkCanBegin();
  const shared: WorkerOptions = {
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: { code: workflows.code },
    activities: createActivities({
      db: database.db,
      envelope,
      keys,
      providers,
      mediaStore,
      mediaRetentionMs: config.mediaRetentionMs,
      mediaUrl: createMediaLinks(config.publicUrl, config.keyring).url,
      syncs: config.sync !== 'off',
      temporal: client,
    }),
    interceptors: {
      activity: [logActivity, cleanFailures],
    },
    shutdownGraceTime: '20 seconds',
    // A cancellation arrives with a heartbeat: let one through every few seconds.
    maxHeartbeatThrottleInterval: '4 seconds',
  };
  const worker = await Worker.create({
    ...shared,
    maxCachedWorkflows: 300,
    maxConcurrentActivityTaskExecutions: 50,
  });
  running = [worker, await createSyncWorker(shared)];
  for (const signal of SIGNALS) process.off(signal, end);
  log.info(
    { ...startedWith(config, providers), taskQueue: TASK_QUEUE, namespace, workflows: workflows.origin },
    'worker started',
  );
  const keeping = setInterval(() => void keepNamespace(), LOOK_AGAIN_MS);
  await runAll(running).finally(() => clearInterval(keeping));
} catch (error) {
  tellFailure(error);
} finally {
  unwatchMedia();
  envelope.close();
  await connection.close();
  await database.close();
  await metrics?.close();
}

/**
 * Sync has a task queue and slots of its own: a backfill never holds a slot that a publish needs. The moderation of
 * comments runs there too, also where sync is off.
 */
async function createSyncWorker(shared: WorkerOptions): Promise<Worker> {
  await (config.sync === 'off' ? unscheduleSync(client) : scheduleSync(client));
  return Worker.create({
    ...shared,
    taskQueue: SYNC_QUEUE,
    maxCachedWorkflows: 50,
    // Most of them wait: a few run at one time, tenant by tenant (activities/sync/turns.ts).
    maxConcurrentActivityTaskExecutions: 200,
  });
}

/** Runs all workers; when one ends, the others end too. */
async function runAll(workers: readonly Worker[]): Promise<void> {
  const stop = (): void => {
    for (const one of workers) if (one.getState() === 'RUNNING') one.shutdown();
  };
  await Promise.all(workers.map((one) => one.run().finally(stop)));
}

function settings(): Config {
  try {
    return readConfig('worker');
  } catch (error) {
    tellFailure(error);
    process.exit();
  }
}

/** Metrics start before Temporal is there, so that monitoring sees a waiting worker. */
async function listen(): Promise<{ close(): Promise<void> } | null> {
  const { workerPort: port, host } = config;
  if (port === null) return null;
  try {
    return await serveMetrics({
      port,
      host,
      problem: () =>
        (running ?? []).map((one) => deadPollers(one.getStatus())).find((one) => one !== null) ?? null,
    });
  } catch (error) {
    log.fatal({ error: String(error) }, 'cannot listen on EVERPOST_WORKER_PORT');
    process.exit(1);
  }
}

/** A worker outlives its server: it waits for Temporal and logs that. */
async function connect(): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect(connectionOptions);
    } catch (error) {
      log.warn(
        { address: connectionOptions.address, error: String(error) },
        'Temporal does not answer; trying again in 2 s',
      );
      await sleep(2000);
    }
  }
}

/** A worker takes no work with a wrong database or in another installation's namespace: it waits and logs why. */
async function untilWorkCanBegin(): Promise<void> {
  for (let said = { problem: '', at: 0 }; ; await sleep(2000)) {
    const problem = (await databaseProblem(database.db)) ?? (await namespaceTaken());
    if (problem === null) return;
    if (problem === said.problem && Date.now() - said.at < SAY_AGAIN_MS) continue;
    log.warn(`no work is taken yet: ${problem}; checking again every 2 s`);
    said = { problem, at: Date.now() };
  }
}

/** Claims the namespace. @returns why that is not possible yet; null if it is ours @throws StartError */
async function namespaceTaken(): Promise<string | null> {
  try {
    await takeNamespace(client, await installationId(database.db));
    return null;
  } catch (error) {
    if (error instanceof NamespaceTaken) return error.message;
    if (error instanceof NamespaceMissing) throw new StartError(error.message);
    if (isTemporalRefusal(error))
      throw new StartError(
        `Temporal denies access to the namespace "${namespace}": check TEMPORAL_API_KEY or the client certificate`,
      );
    if (isTemporalAway(error)) return 'Temporal does not answer';
    if (isDatabaseAway(error)) return 'PostgreSQL does not answer';
    throw error;
  }
}

/**
 * An operator can delete the Schedule with one click, and a restored Temporal may lack it. Without it, lost work is
 * never found.
 */
async function keepNamespace(): Promise<void> {
  const problem = await namespaceTaken().catch((error: unknown) => errorLine(error).message);
  if (problem !== null) log.warn(`could not check for the Schedule of the sweep: ${problem}`);
}

function toPino(level: string): 'trace' | 'debug' | 'info' | 'warn' | 'error' {
  switch (level) {
    case 'TRACE':
      return 'trace';
    case 'DEBUG':
      return 'debug';
    case 'WARN':
      return 'warn';
    case 'ERROR':
      return 'error';
    default:
      return 'info';
  }
}
