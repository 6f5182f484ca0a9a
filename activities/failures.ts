import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';
import { withoutValues } from '../db/failures.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { PostError } from '../db/schema.ts';
import { HOUR } from '../durations.ts';

/** What leaves an activity stands in Temporal's history, and in the log: nothing that people wrote goes along. */
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

/** Not an error: what was asked for is not there yet. Temporal asks again. */
export function notYet(type: string, message: string, nextRetryDelayMs?: number): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    category: ApplicationFailureCategory.BENIGN,
    ...(nextRetryDelayMs === undefined ? {} : { nextRetryDelay: nextRetryDelayMs }),
  });
}

/**
 * A provider call that Temporal should make again. The provider's own sentences, which may quote the post, stay out of the
 * history. @param ms when, where more is known than the error says
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

/** A longer wait is the workflow's, which is told of it by the next try. */

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
