import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest, FastifyServerOptions } from 'fastify';
import { RESULTS_PATH } from './connect-results.ts';
import { errorLine } from '../db/failures.ts';
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
        path: pathOf(request),
        remoteAddress: request.ip,
      }),
      err: errorLine,
    },
    ...(log === undefined ? {} : { stream: log }),
  };
}

/**
 * The path without what may be a secret: the router, not the text, says that an address is one of a result, and a link may
 * come mangled (`tiktok%3Flink=...`), or its token at an address that is none of ours.
 */
function pathOf({ url, routeOptions }: FastifyRequest): string {
  if (routeOptions.url?.startsWith(`${RESULTS_PATH}/`) === true) return `${RESULTS_PATH}/...`;
  const [path = ''] = url.split(/[?;%#]/, 1);
  return routeOptions.url === undefined ? path.replaceAll(/[\w-]{40,}/g, '...') : path;
}

/** One line for each request that was answered; what machines ask all the time only at level debug. */
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

/** Who has called: ids, which the database has names for, and never a key. */
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
    /** Asked so often that its log lines would drown the others. */
    quiet?: boolean;
  }
}
