import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type ApiError, apiError } from './errors.ts';
import { bodyOf } from './failures.ts';

/** What Node.js refuses before there is a request: answered in the shape of every refusal, and the connection ends. */
export function answerMalformedHttp(error: Error & { code?: string }, socket: Duplex): void {
  // A broken body may come after the answer has begun.
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  const begun = typeof answer === 'object' && answer !== null && Reflect.get(answer, 'headersSent') === true;
  if (error.code === 'ECONNRESET' || !socket.writable || begun) socket.destroy();
  else end(socket, refusalOf(error.code));
}

/** Answers what Node.js would answer by itself, in another shape: no Host or two, an unknown Expect, CONNECT. */
export function answerOddHttp(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers, raw }) => {
    if (headers.host === undefined && raw.httpVersion === '1.1')
      throw apiError('invalid_request', { message: 'the header Host is missing' });
    const hosts = raw.rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name)).length;
    // RFC 9112 section 3.2: a proxy in front may have read the other one.
    if (hosts > 1) throw apiError('invalid_request', { message: 'the header Host stands there twice' });
  });
  // Others than 100-continue may be ignored (RFC 9110 section 10.1.1).
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.server.on('connect', (_request, socket) => end(socket, apiError('method_not_allowed')));
}

function refusalOf(code = ''): ApiError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return apiError('headers_too_large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return apiError('body_too_large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return apiError('request_timeout');
    default:
      return apiError('invalid_request', { message: 'the request is not HTTP/1.1 as RFC 9112 says' });
  }
}

function end(socket: Duplex, refusal: ApiError): void {
  const id = randomUUID();
  const { statusCode } = refusal;
  const body = JSON.stringify(bodyOf(refusal, { id }));
  const head = [
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
