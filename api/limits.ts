import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';

/**
 * Requests a minute. They protect this process from a client that has gone wild; what providers allow is the ledger's
 * business. Webhooks and probes are not counted.
 */
const LIMITS = { perKey: 6_000, perAddress: 600 };

/** Counts by key, or by address where there is no valid key. */
export async function limitRates(app: FastifyInstance, { limits = LIMITS }: Deps): Promise<void> {
  await app.register(rateLimit, {
    timeWindow: '1 minute',
    max: ({ caller }: FastifyRequest) => (caller.kind === 'nobody' ? limits.perAddress : limits.perKey),
    keyGenerator: ({ caller, ip }: FastifyRequest) => {
      if (caller.kind === 'key') return `key:${caller.id}`;
      return caller.kind === 'admin' ? 'admin' : `ip:${rateLimit.normalizeIP(ip)}`;
    },
    errorResponseBuilder: (_request, { ttl, max }) =>
      apiError('rate_limited', { retryAfterMs: ttl, details: { limit: max, windowSeconds: 60 } }),
  });
}
