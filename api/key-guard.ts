import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { isOurs } from './api-keys.ts';
import { identityKey } from './identity-key.ts';
import { LIMITS } from './limits.ts';

/** The most hashes of recently valid keys to remember; the oldest goes first. */
const MOST_KNOWN = 10_000;

/**
 * Limits how many unknown keys an address can have looked up. After too many invalid keys within a minute its next
 * look-up is refused, except for keys that this installation created and keys that were valid before: others may share
 * the address.
 */
export function createKeyGuard(app: FastifyInstance, deps: Deps) {
  const { limits = LIMITS } = deps;
  const secretKey = identityKey(deps);
  const known = new Set<string>();
  const wrongKeys = app.createRateLimit({
    max: limits.perAddress,
    timeWindow: '1 minute',
    keyGenerator: ({ ip }: FastifyRequest) => `wrong:${rateLimit.normalizeIP(ip)}`,
  });

  return {
    /** @throws ApiError `rate_limited` */
    async admit(request: FastifyRequest, token: string, hash: string): Promise<void> {
      if (known.has(hash)) return;
      const state = await wrongKeys(request, { increment: false });
      if (state.isAllowed || state.remaining > 0) return;
      if (!(await secretKey().then((key) => isOurs(key, token), cannotTell)))
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

/** If the database is down, or no key opens the secret. */
const cannotTell = (): boolean => false;
