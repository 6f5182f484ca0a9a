import process from 'node:process';
import { environment } from '../stack/environment.ts';

/**
 * `node scripts/health.ts [URL]`: succeeds if this container's server or worker, or the URL, is healthy. For an image's
 * HEALTHCHECK, because the image has no curl.
 */
const [url] = process.argv.slice(2);
const ours = [environment['PORT'], environment['EVERPOST_WORKER_PORT']].map(
  (port) => `http://127.0.0.1:${port}/livez`,
);
const answers = (url === undefined ? ours : [url]).map(async (address) => {
  const { ok, status } = await fetch(address, { signal: AbortSignal.timeout(4_000) });
  if (!ok) throw new Error(`${address} answers ${status}`);
});
await Promise.any(answers).catch((error: unknown) => {
  const reasons = error instanceof AggregateError ? error.errors : [error];
  for (const reason of reasons) process.stderr.write(`${String(reason)}\n`);
  process.exitCode = 1;
});
