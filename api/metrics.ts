import type { FastifyInstance } from 'fastify';
import { malformed } from './schemas.ts';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

/** Counts requests by route pattern; nothing that names a user, an account or a post is a label. */
export function measure(app: FastifyInstance): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const labelNames = ['method', 'route', 'status'] as const;
  const seconds = new Histogram({
    name: 'everpost_http_request_duration_seconds',
    help: 'How long requests took.',
    labelNames,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const refused = new Counter({
    name: 'everpost_http_rate_limited_total',
    help: 'Requests that were refused because of the rate limit.',
    registers: [registry],
  });

  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    seconds.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    if (reply.statusCode === 429) refused.inc();
  });
  app.addHook('onClose', async () => registry.clear());
  app.get(
    '/metrics',
    {
      config: { access: 'public', rateLimit: false, quiet: true },
      schema: {
        operationId: 'getMetrics',
        summary: 'Prometheus metrics of this process',
        tags: ['operations'],
        response: {
          200: { description: 'Prometheus text.', content: { 'text/plain': { schema: { type: 'string' } } } },
          ...malformed,
        },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
