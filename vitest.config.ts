import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Threads crash the native Temporal bridge.
    pool: 'forks',
    maxWorkers: 2,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/servers.ts'],
    // Tests wait for conditions; these only end what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
  },
});
