import { once } from 'node:events';
import { createServer } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { registry } from './registry.ts';

/**
 * Serves `/metrics` for Prometheus and `/livez` for the supervisor of a process without an API. Everything else is 404.
 * @param problem why the process must be restarted; null if it need not be
 * @throws Error if the port is taken
 */
export async function serveMetrics({
  port,
  host,
  problem,
}: {
  port: number;
  host: string;
  problem: () => string | null;
}): Promise<{ close(): Promise<void> }> {
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  const all = Registry.merge([own, registry]);
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/livez') {
      const message = problem();
      response.writeHead(message === null ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify(message === null ? { status: 'ok' } : { status: 'dead', message }));
      return;
    }
    if (path !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    all.metrics().then(
      (text) => response.setHeader('content-type', all.contentType).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await once(server.listen(port, host), 'listening');
  return {
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
