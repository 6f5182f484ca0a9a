import type { ProviderError } from '../providers/errors.ts';
import { MINUTE } from '../durations.ts';
import { type ErrorCode, type ErrorKind, ERRORS } from './error-codes.ts';

interface ErrorInit {
  message?: string;
  userMessage?: string;
  details?: Record<string, unknown>;
  retryAfterMs?: number;
  cause?: unknown;
}

/** The only error class of the API; the error handler turns it into the answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly statusCode: number;
  /** Stable and documented. */
  readonly code: string;
  readonly userMessage: string;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;
  readonly retryAfterMs: number | undefined;

  constructor(
    init: ErrorKind & {
      code: string;
      details?: Record<string, unknown>;
      retryAfterMs?: number | undefined;
      cause?: unknown;
    },
  ) {
    super(init.message, { cause: init.cause });
    this.statusCode = init.status;
    this.code = init.code;
    this.userMessage = init.userMessage;
    this.retryable = init.retryable;
    this.details = init.details ?? {};
    this.retryAfterMs = init.retryAfterMs;
  }
}

/** An Everpost error, by its code. */
export function apiError(code: ErrorCode, init: ErrorInit = {}): ApiError {
  return new ApiError({ ...ERRORS[code], ...init, code });
}

/** One problem with one field of a request. */
export interface FieldProblem {
  field: string;
  message: string;
  /** For the user who typed or chose the value; absent if only a program can cause the problem. */
  userMessage?: string;
}

/** @returns null when there are no problems */
export function fieldError(
  fields: readonly FieldProblem[],
  code: 'invalid_request' | 'unknown_field' = 'invalid_request',
): ApiError | null {
  if (fields.length === 0) return null;
  const message = fields.map(({ field, message: text }) => `${field} ${text}`).join('; ');
  const person = fields.find(({ userMessage }) => userMessage !== undefined);
  return apiError(code, {
    message: message.slice(0, 1000),
    // If the user can fix it, the message must not blame the program that sent it.
    ...(person?.userMessage === undefined ? {} : { userMessage: person.userMessage }),
    details: { fields },
  });
}

/** Translates a provider's refusal for the API's caller. */
export function fromProvider(error: ProviderError): ApiError {
  const { message, userMessage, details, retryAfterMs } = error;
  const init = { message, userMessage, details, cause: error };
  switch (error.kind) {
    case 'token':
    case 'grant':
    case 'account':
      return apiError('reauth_required', init);
    case 'quota':
      return new ApiError({
        ...init,
        status: 429,
        code: error.code,
        retryable: true,
        retryAfterMs: retryAfterMs ?? MINUTE,
      });
    case 'rejected':
      return new ApiError({ ...init, status: 422, code: error.code, retryable: false });
    case 'gone':
    case 'unavailable':
    case 'unknown':
      return new ApiError({ ...init, status: 502, code: error.code, retryable: true, retryAfterMs });
  }
}
