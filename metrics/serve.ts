import { once } from 'node:events';
import { createServer } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { registry } from './registry.ts';

/**
 * For a process that has no API: `/metrics` for Prometheus, and `/livez` for whoever restarts it. Everything else is 404.
 * @throws Error when the port is taken
 */
export async function serveMetrics({
  port,
  host,
}: {
  port: number;
  host: string;
}): Promise<{ close(): Promise<void> }> {
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  const all = Registry.merge([own, registry]);
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/livez') {
      response.setHeader('content-type', 'application/json').end('{"status":"ok"}');
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
