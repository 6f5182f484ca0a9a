import type { Core, FakeProvider } from '../../sandbox/core/core.ts';

export interface WorldOptions {
  /** Options of the sandbox's TikTok (sandbox/README.md). */
  tiktok?: Record<string, unknown>;
  /** More settings for server and worker. */
  env?: Record<string, string>;
  /** Whether a worker runs from the start; default: true. */
  worker?: boolean;
  /** An empty, migrated database; default: one in the PostgreSQL that all test files share. */
  databaseUrl?: string;
  /** A platform besides those of the product: its fake, its tables, and the settings of processes that know it. */
  double?: (url: string) => {
    fake: (core: Core) => FakeProvider;
    /** SQL that makes what no migration makes. */
    tables: string;
    settingsFor: (sandboxUrl: string) => Record<string, string>;
  };
  /** The app's secret; default: a random one. */
  clientSecret?: string;
  /** Whether the sandbox keeps its state in `<dir>/sandbox/sandbox.json`, for tests that look for what it issued. */
  sandboxState?: boolean;
}
