import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { EnvelopeError } from '../crypto/envelope.ts';
import { StoreTrouble, troubleOf } from '../media/store.ts';
import { ProviderError } from '../providers/errors.ts';
import { hasArrived } from './closing.ts';
import { wrongContentType } from './content-types.ts';
import { ApiError, apiError, fromProvider } from './errors.ts';
import { isDatabaseAway, isTemporalAway } from './outage.ts';
import { note, paragraph, prefersPage, showPage } from './pages.ts';
import type { ErrorBody } from './schemas.ts';
import type { Static } from 'typebox';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Title of the error page that browsers get from this route; JSON without it. */
    failurePage?: string;
  }
}

/** The only place that turns errors into answers. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: unknown, request, reply) => {
    const failure = translate(error, request);
    logFailure(error, failure, request);
    const wait = failure.retryAfterMs ?? (failure.statusCode === 503 ? 1000 : undefined);
    if (wait !== undefined && !reply.hasHeader('retry-after'))
      void reply.header('retry-after', Math.max(1, Math.ceil(wait / 1000)));
    const { failurePage } = request.routeOptions.config;
    if (failurePage !== undefined && prefersPage(request))
      return showPage(reply, failure.statusCode, {
        title: failurePage,
        body: `${paragraph(failure.userMessage)}${note(`Code: ${failure.code}`)}`,
      });
    return reply.code(failure.statusCode).type(JSON_TYPE).send(bodyOf(failure, request));
  });
}

const JSON_TYPE = 'application/json; charset=utf-8';

function logFailure(error: unknown, failure: ApiError, request: FastifyRequest): void {
  if (failure.statusCode >= 500) request.log.error({ err: error, code: failure.code }, 'request failed');
  else request.log.info({ code: failure.code, reason: failure.message }, 'request refused');
}

/** The same for a raw response that has left Fastify and has not started. */
export function answerFailureRaw(error: unknown, request: FastifyRequest, response: ServerResponse): void {
  const failure = translate(error, request);
  logFailure(error, failure, request);
  response.writeHead(failure.statusCode, { 'content-type': JSON_TYPE });
  response.end(JSON.stringify(bodyOf(failure, request)));
}

/** Answers malformed URLs, which Fastify rejects before routing. */
export function answerBadUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const failure =
    error.code === 'FST_ERR_BAD_URL'
      ? apiError('invalid_request', { message: 'the URL is malformed' })
      : apiError('not_found');
  void reply
    .code(failure.statusCode)
    .header('x-request-id', request.id)
    // None of our hooks sees this request, so nothing reads its body.
    .header('connection', 'close')
    .send(bodyOf(failure, request));
}

/** An error as the client sees it. */
export function bodyOf(
  { code, message, userMessage, retryable, details }: ApiError,
  { id }: Pick<FastifyRequest, 'id'>,
): Static<typeof ErrorBody> {
  return { error: { code, message, userMessage, retryable, details, requestId: id } };
}

/** Translates an error into one of the API's. */
function translate(error: unknown, request: FastifyRequest): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ProviderError) return fromProvider(error);
  const trouble = troubleOf(error);
  if (trouble instanceof StoreTrouble && (trouble === error || trouble.code !== 'missing'))
    return fromStore(trouble);
  if (error instanceof EnvelopeError) return apiError('internal_error', { cause: error });
  if (isTemporalAway(error)) return apiError('temporal_unavailable', { cause: error });
  if (isDatabaseAway(error)) return apiError('database_unavailable', { cause: error });
  return isFastifyError(error) ? fromFastify(error, request) : apiError('internal_error', { cause: error });
}

/**
 * Checked before database errors, because a missing folder must not look like a missing database. A bare ENOENT may be
 * either.
 */
function fromStore(trouble: StoreTrouble): ApiError {
  const { code, message } = trouble;
  return code === 'full'
    ? apiError('storage_full', { cause: trouble })
    : apiError('media_store_unavailable', { message, cause: trouble, details: { reason: code } });
}

function isFastifyError(error: unknown): error is FastifyError {
  return (
    error instanceof Error && 'code' in error && 'statusCode' in error && typeof error.statusCode === 'number'
  );
}

function fromFastify(error: FastifyError, request: FastifyRequest): ApiError {
  switch (error.code) {
    case 'FST_ERR_HANDLER_TIMEOUT':
      return apiError(hasArrived(request.raw) ? 'timeout' : 'request_timeout');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return wrongContentType(request);
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return apiError('body_too_large');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return apiError('malformed_json');
  }
  if (error instanceof SyntaxError) return apiError('malformed_json');
  const { statusCode = 500 } = error;
  return statusCode < 500
    ? apiError('invalid_request', { message: error.message })
    : apiError('internal_error', { cause: error });
}
