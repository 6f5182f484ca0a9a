import { Runtime } from '@temporalio/worker';

/**
 * `node stack/temporal-download.ts VERSION FOLDER`: lets the SDK download the Temporal CLI. The SDK only does that when
 * it starts the server, so the server runs for a moment.
 */
const [version = '', folder = ''] = process.argv.slice(2);
const runtime = Runtime.install({
  shutdownSignals: [],
  logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
});
try {
  const server = await runtime.createEphemeralServer({
    type: 'dev-server',
    exe: {
      type: 'cached-download',
      downloadDir: folder,
      version,
      ttl: 0,
      sdkName: 'sdk-typescript',
      sdkVersion: 'everpost',
    },
    namespace: 'default',
    ip: '127.0.0.1',
    port: null,
    uiPort: null,
    dbFilename: null,
    ui: false,
    log: { format: 'pretty', level: 'error' },
    extraArgs: [],
  });
  await runtime.shutdownEphemeralServer(server);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
