import type { FastifyInstance } from 'fastify';
import findMyWay from 'find-my-way';
import { type ApiError, apiError } from './errors.ts';

/** Path parameters that are longer fit no route. */
export const LONGEST_PARAM = 200;

/**
 * Answers what no route answers, before its body is read: 405 with Allow where the path has other methods, else 404. Such
 * requests count against the rate limit, too. Call it before the routes are added.
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
