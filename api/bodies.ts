import type { FastifyInstance, FastifyRequest } from 'fastify';
import { wrongContentType } from './content-types.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body has no required field: a request without one counts as `{}`. */
    bodyIsOptional?: true;
  }
}

/**
 * Bodies are JSON, except on routes that declare otherwise. On routes without a body, or with an optional one, an
 * empty request is valid with any content type: many clients send one with every request.
 */
export function readBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '' && !needsBody(request)) done(null);
    else void parseJson(request, String(body), done);
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    if (body.length > 0) throw wrongContentType(request);
  });
  app.addHook('preParsing', async (request) => {
    // tus needs the content type even for an empty PATCH.
    if (isEmpty(request) && !needsBody(request) && request.method !== 'PATCH')
      delete request.raw.headers['content-type'];
  });
  app.addHook('preValidation', async (request) => {
    if (request.routeOptions.config.bodyIsOptional === true) request.body ??= {};
  });
}

function needsBody({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.schema?.body !== undefined && routeOptions.config.bodyIsOptional !== true;
}

/** Whether a request announces no body. A chunked request may also turn out to be empty. */
function isEmpty({ headers }: FastifyRequest): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = headers;
  return length === '0' && encoding === undefined;
}
