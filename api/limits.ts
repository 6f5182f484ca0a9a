import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';

/**
 * Requests per minute. They protect this process from runaway clients; the ledger handles the providers' limits.
 * Webhooks and probes are not counted.
 */
export const LIMITS = { perKey: 6_000, perAddress: 600 };

/** Counts by key, or by address if there is no valid key. */
export async function limitRates(app: FastifyInstance, { limits = LIMITS }: Deps): Promise<void> {
  await app.register(rateLimit, {
    timeWindow: '1 minute',
    max: ({ caller }: FastifyRequest) => (caller.kind === 'nobody' ? limits.perAddress : limits.perKey),
    keyGenerator: (request: FastifyRequest) => {
      const { caller, ip } = request;
      if (caller.kind === 'key') return `key:${caller.id}`;
      return caller.kind === 'admin' ? 'admin' : `${placeOf(request)}:${rateLimit.normalizeIP(ip)}`;
    },
    errorResponseBuilder: (_request, { ttl, max }) =>
      apiError('rate_limited', { retryAfterMs: ttl, details: { limit: max, windowSeconds: 60 } }),
  });
}

/**
 * What a caller without a valid key is counted for: each public route separately, everything else together. So invalid
 * keys and guessed URLs cannot lock anyone out of the callbacks.
 */
function placeOf({ headers, is404, routeOptions: { url, config } }: FastifyRequest): string {
  const isPublic = config.access === undefined || config.access === 'public' || config.access === 'optional';
  const guesses = is404 || !isPublic || (config.access === 'optional' && headers.authorization !== undefined);
  return guesses ? 'stray' : (url ?? 'stray');
}
