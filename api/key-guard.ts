import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { isOurs } from './api-keys.ts';
import { identityKey } from './identity-key.ts';
import { LIMITS } from './limits.ts';

/** Keys that were right lately, by their hashes; the oldest goes first. */
const MOST_KNOWN = 10_000;

/**
 * Keeps strangers from having any number of keys looked for. An address that has sent too many wrong ones within a minute
 * is refused before the next look-up, but for keys that this installation has made, and those that were right before:
 * others may share its address.
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

/** Without the database, or without the key that opens the secret. */
const cannotTell = (): boolean => false;
