import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { LIMITS } from './limits.ts';

/** Keys that were right lately, by their hashes; the oldest goes first. */
const MOST_KNOWN = 10_000;

/**
 * Keeps strangers from having any number of keys looked for. An address that has sent too many wrong ones within a minute
 * is refused before the next look-up, but for keys that were right before: others may share its address.
 */
export function createKeyGuard(app: FastifyInstance, { limits = LIMITS }: Deps) {
  const known = new Set<string>();
  const wrongKeys = app.createRateLimit({
    max: limits.perAddress,
    timeWindow: '1 minute',
    keyGenerator: ({ ip }: FastifyRequest) => `wrong:${rateLimit.normalizeIP(ip)}`,
  });

  return {
    /** @throws ApiError `rate_limited` */
    async admit(request: FastifyRequest, hash: string): Promise<void> {
      if (known.has(hash)) return;
      const state = await wrongKeys(request, { increment: false });
      if (!state.isAllowed && state.remaining === 0)
        throw apiError('rate_limited', {
          retryAfterMs: state.ttl,
          details: { limit: state.max, windowSeconds: 60 },
        });
    },

    async note(request: FastifyRequest, hash: string, isRight: boolean): Promise<void> {
      known.delete(hash);
      if (!isRight) {
        await wrongKeys(request);
        return;
      }
      known.add(hash);
      const [oldest] = known;
      if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
    },
  };
}
