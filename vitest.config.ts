import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { configDefaults, defineConfig } from 'vitest/config';

/** They take minutes, and start first: none is left to run alone at the end. */
const LONG = ['killed', 'chaos', 'conformance/publish', 'meta', 'account', 'conformance/history', 'outages'];

/** A test's name says which project it belongs to. */
const QUICK = 'test/**/*.quick.test.ts';
/** Needs a Chromium, which `npm ci` brings: `npm run test:browser`. */
const BROWSER = 'test/**/*.browser.test.ts';
/** Needs a PgBouncer, which it fetches: `npm run test:pgbouncer`. */
const PGBOUNCER = 'test/pgbouncer/*.test.ts';

function rank({ moduleId }: TestSpecification): number {
  const place = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return place === -1 ? LONG.length : place;
}

class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)));
  }
}

export default defineConfig({
  test: {
    // Threads crash the native Temporal bridge.
    pool: 'forks',
    // Some wait while others work: two cores are busy with three.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Tests wait for conditions; these only end what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
    projects: [
      // `npm run test:quick`: no PostgreSQL and no Temporal server runs for these.
      { extends: true, test: { name: 'quick', include: [QUICK] } },
      {
        extends: true,
        test: {
          name: 'stack',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, QUICK, PGBOUNCER, BROWSER],
          globalSetup: ['test/setup/servers.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'pgbouncer', include: [PGBOUNCER], globalSetup: ['test/setup/servers.ts'] },
      },
      {
        extends: true,
        test: { name: 'browser', include: [BROWSER], globalSetup: ['test/setup/servers.ts'] },
      },
    ],
  },
});
