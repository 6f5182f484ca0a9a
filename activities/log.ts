import { type Context, log } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';
import { REQUEST_ID } from '../workflows/names.ts';

/** One log line for each activity that ends well (the SDK writes those that fail), with the id of the request behind it. */
export function logActivity(_context: Context): ActivityInterceptors {
  let requestId: unknown;
  return {
    inbound: {
      async execute(input, next) {
        const header = input.headers[REQUEST_ID];
        requestId = header === undefined ? undefined : defaultPayloadConverter.fromPayload(header);
        const since = Date.now();
        const result = await next(input);
        log.info('activity done', { ms: Date.now() - since, outcome: outcomeOf(result) });
        return result;
      },
    },
    outbound: {
      getLogAttributes: (input, next) => ({
        ...next(input),
        ...(requestId === undefined ? {} : { requestId }),
      }),
    },
  };
}

/** What a step came to, in a word. */
function outcomeOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'kind' in result ? result.kind : undefined;
}
