import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../db/migrate.ts';
import { freePorts } from '../../stack/ports.ts';
import { startPostgres } from '../../stack/postgres.ts';
import { findTemporalBinary, startTemporal } from '../../stack/temporal.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL whose database `everpost` is the migrated template that worlds are cloned from. */
    postgresUrl: string;
    temporalAddress: string;
    /** Everything that a run writes is below this folder, which is deleted after a successful run. */
    runDir: string;
  }
}

/** One PostgreSQL and one Temporal server for the run; every test file creates its own database and namespace there. */
export default async function servers(project: TestProject): Promise<() => Promise<void>> {
  const runDir = join(fileURLToPath(new URL('../artifacts', import.meta.url)), `run-${process.pid}`);
  const [databasePort = 0, temporalPort = 0] = await freePorts(2);
  const [database, temporal] = await Promise.all([
    startPostgres({ dir: join(runDir, 'pg'), port: databasePort, throwAway: true }),
    findTemporalBinary().then((binary) =>
      startTemporal({
        binary,
        port: temporalPort,
        logFile: join(runDir, 'temporal.log'),
        dynamicConfig: {
          'frontend.WorkflowTimeSkippingEnabled': true,
          // A new namespace is usable at once.
          'system.namespaceCacheRefreshInterval': '1s',
        },
      }),
    ),
  ]);
  await migrateDatabase(database.url);

  project.provide('postgresUrl', database.url);
  project.provide('temporalAddress', temporal.address);
  project.provide('runDir', runDir);
  return async () => {
    await Promise.all([temporal.stop(), database.stop()]);
    await rm(runDir, { recursive: true, force: true });
  };
}
