import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type ApiError, apiError } from './errors.ts';
import { bodyOf } from './failures.ts';

/** Answers requests that Node.js rejects while parsing, in the API's error format, and ends the connection. */
export function answerMalformedHttp(error: Error & { code?: string }, socket: Duplex): void {
  // A malformed body may come after the answer has started.
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  const begun = typeof answer === 'object' && answer !== null && Reflect.get(answer, 'headersSent') === true;
  if (error.code === 'ECONNRESET' || !socket.writable || begun) socket.destroy();
  else end(socket, refusalOf(error.code));
}

/** Answers requests that Node.js would answer in its own format: with no Host or two, with an unknown Expect, or CONNECT. */
export function answerOddHttp(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers, raw }) => {
    if (headers.host === undefined && raw.httpVersion === '1.1')
      throw apiError('invalid_request', { message: 'the Host header is missing' });
    const hosts = raw.rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name)).length;
    // RFC 9112 section 3.2: a proxy in front may have read the other one.
    if (hosts > 1) throw apiError('invalid_request', { message: 'there are two Host headers' });
  });
  // Values other than 100-continue may be ignored (RFC 9110 section 10.1.1).
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
      return apiError('invalid_request', { message: 'the request is not valid HTTP/1.1 (RFC 9112)' });
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
