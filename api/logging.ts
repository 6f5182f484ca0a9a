import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest, FastifyServerOptions } from 'fastify';
import { RESULTS_PATH } from './connect-results.ts';
import { errorLine } from '../db/failures.ts';
import type { Deps } from './deps.ts';

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,100}$/;

/** The client's own request id if it is well-formed, otherwise a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** The fields of a log line. Never a query, a header or a body: they hold links, codes and keys. */
export function logger({ config, log }: Deps): NonNullable<FastifyServerOptions['logger']> {
  return {
    level: config.logLevel,
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        route: request.routeOptions.url,
        path: pathOf(request),
        remoteAddress: request.ip,
      }),
      err: errorLine,
    },
    ...(log === undefined ? {} : { stream: log }),
  };
}

/**
 * The path without possible secrets. The router, not the text, recognizes a result's address. A link may arrive mangled
 * (`<provider>%3Flink=...`), or its token at an unknown address.
 */
function pathOf({ url, routeOptions }: FastifyRequest): string {
  if (routeOptions.url?.startsWith(`${RESULTS_PATH}/`) === true) return `${RESULTS_PATH}/...`;
  const [path = ''] = url.split(/[?;%#]/, 1);
  return routeOptions.url === undefined ? path.replaceAll(/[\w-]{40,}/g, '...') : path;
}

/** Logs one line for each answered request; requests that machines repeat all the time only at level debug. */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      req: request,
      ...callerOf(request.caller),
      statusCode: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    if (request.routeOptions.config.quiet === true && reply.statusCode < 500)
      request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  });
}

/** The caller's ids, never the key itself. */
function callerOf(caller: FastifyRequest['caller'] | undefined): Record<string, string> {
  switch (caller?.kind) {
    case 'key':
      return { userId: caller.userId, keyId: caller.id };
    case 'admin':
      return { caller: 'admin' };
    default:
      return {};
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Called so often that its log lines would drown out the others. */
    quiet?: boolean;
  }
}
