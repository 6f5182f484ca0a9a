import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';
import { withoutValues } from '../db/failures.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { PostError } from '../db/schema.ts';
import { HOUR } from '../durations.ts';

/** Errors of activities end up in Temporal's history and in the log: removes users' text from them. */
export const cleanFailures = (): ActivityInterceptors => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        throw withoutValues(error);
      }
    },
  },
});

/** Not an error: the data is not there yet. Temporal tries again. */
export function notYet(type: string, message: string, nextRetryDelayMs?: number): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    category: ApplicationFailureCategory.BENIGN,
    ...(nextRetryDelayMs === undefined ? {} : { nextRetryDelay: nextRetryDelayMs }),
  });
}

/**
 * A provider call that Temporal should repeat. The provider's own sentences, which may quote the post, stay out of the
 * history. @param ms when, if that is known more exactly than from the error
 */
export function tryAgain(error: ProviderError, ms = error.retryAfterMs): ApplicationFailure {
  const { provider, providerCode, logId } = error;
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    details: [{ provider, providerCode, logId }],
    ...(ms === undefined ? {} : { nextRetryDelay: Math.min(ms, HOUR) }),
  });
}

/** The workflow does longer waits; the next try tells it. */

/** A provider's refusal as clients see it in `error` of a post. */
export function postError(error: ProviderError): PostError {
  return {
    code: error.code,
    message: error.message,
    userMessage: error.userMessage,
    retryable: error.kind === 'unavailable' || error.kind === 'quota',
    details: error.details,
  };
}
