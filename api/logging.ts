import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest, FastifyServerOptions } from 'fastify';
import { RESULTS_PATH } from './connect-results.ts';
import type { Deps } from './deps.ts';

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,100}$/;

/** The client's own request id where it is presentable, else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** One JSON line each; no query, no header, no body: links, codes and keys are in those. */
export function logger({ config, log }: Deps): NonNullable<FastifyServerOptions['logger']> {
  return {
    level: config.logLevel,
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        route: request.routeOptions.url,
        path: pathOf(request.url),
        remoteAddress: request.ip,
      }),
      err: describeError,
    },
    ...(log === undefined ? {} : { stream: log }),
  };
}

/** The tokens in addresses of results are secrets. */
function pathOf(url: string): string {
  const [path = ''] = url.split('?', 1);
  return path.startsWith(`${RESULTS_PATH}/`) ? `${RESULTS_PATH}/...` : path;
}

interface ErrorLine {
  [key: string]: unknown;
  type: string;
  message: string;
  stack: string;
  code?: string;
  cause?: ErrorLine;
}

/** Drizzle puts a query's parameters into its message, and PostgreSQL a row's values into its detail: both stay out. */
export function describeError(error: unknown): ErrorLine {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error', stack: '' };
  const query = 'query' in error && 'params' in error && typeof error.query === 'string' ? error.query : null;
  return {
    type: error.name,
    message: query === null ? error.message : `Failed query: ${query}`,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    stack: error.stack?.slice(error.stack.indexOf('\n    at ') + 1) ?? '',
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** One line for each request that was answered; what machines ask all the time only at level debug. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const line = { req: request, statusCode: reply.statusCode, ms: Math.round(reply.elapsedTime) };
    if (request.routeOptions.config.quiet === true && reply.statusCode < 500)
      request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked so often that its log lines would drown the others. */
    quiet?: boolean;
  }
}
