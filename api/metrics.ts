import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import { FINAL_STATES } from '../db/schema.ts';
import { startAtZero } from '../metrics/counters.ts';
import { registry } from '../metrics/registry.ts';
import type { Deps } from './deps.ts';
import { malformed } from './schemas.ts';
import { shared } from './shared.ts';
import { createGauges } from './gauges.ts';

/** Measures requests by route pattern and serves all metrics; no label names a user, an account or a post. */
export function measure(app: FastifyInstance, { database, providers }: Deps): void {
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  const labelNames = ['method', 'route', 'status'] as const;
  const seconds = new Histogram({
    name: 'everpost_http_request_duration_seconds',
    help: 'Duration of requests.',
    labelNames,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [own],
  });
  const refused = new Counter({
    name: 'everpost_http_rate_limited_total',
    help: 'Requests refused by the rate limit.',
    registers: [own],
  });
  const names = providers.all.map(({ name }) => name);
  startAtZero(names, FINAL_STATES);
  const all = Registry.merge([own, registry, createGauges(database.db, names)]);

  // Collecting queries the database: one query serves all scrapes within a second.
  const collect = shared(1_000, () => all.metrics());

  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    seconds.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    if (reply.statusCode === 429) refused.inc();
  });
  app.addHook('onClose', async () => own.clear());
  app.get(
    '/metrics',
    {
      config: { access: 'public', rateLimit: false, quiet: true },
      schema: {
        operationId: 'getMetrics',
        summary: 'Prometheus metrics of this process and of the whole installation',
        tags: ['operations'],
        response: {
          200: { description: 'Prometheus text.', content: { 'text/plain': { schema: { type: 'string' } } } },
          ...malformed,
        },
      },
    },
    async (_request, reply) => reply.type(all.contentType).send(await collect()),
  );
}
