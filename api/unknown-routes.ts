import type { FastifyInstance } from 'fastify';
import findMyWay from 'find-my-way';
import { type ApiError, apiError } from './errors.ts';

/** Longer path parameters match no route. */
export const LONGEST_PARAM = 200;

/**
 * Answers requests without a route before their body is read: 405 with Allow if the path has other methods, otherwise
 * 404. They count against the rate limit too. Call this before adding routes.
 */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const paths = findMyWay({ maxParamLength: LONGEST_PARAM });
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    if (known.size === 0) paths.on('GET', url, () => {}, known);
    methods.set(url, known);
    for (const one of [method].flat()) known.add(one);
  });

  const limit = app.rateLimit();
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    await limit.call(app, request, reply);
    const known: unknown = paths.find('GET', request.raw.url ?? '/')?.store;
    if (!(known instanceof Set)) throw apiError('route_not_found');
    const allow = [...known].map(String).toSorted((a, b) => (a < b ? -1 : 1));
    void reply.header('allow', allow.join(', '));
    throw apiError('method_not_allowed', { details: { allow } });
  });
  app.setNotFoundHandler((): ApiError => {
    throw apiError('route_not_found');
  });
}
