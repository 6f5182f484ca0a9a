import { type Context, log } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityInterceptors } from '@temporalio/worker';
import { REQUEST_ID } from '../temporal/names.ts';

/** Ids in an activity's arguments. */
const IDS = ['postId', 'step', 'accountId', 'mediaId', 'eventId'];
/** Fields that the SDK adds to each line: useless in a log, and longer than all the others. */
const NOISE = new Set([
  'taskToken',
  'activityId',
  'isLocal',
  'namespace',
  'taskQueue',
  'runId',
  'workflowRunId',
  'workflowType',
  'sdkComponent',
  'timestampNanos',
]);

/** The fields of a worker's log line. */
export function lineOf(meta: Readonly<Record<string | symbol, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).flatMap(([name, value]) =>
      NOISE.has(name) ? [] : [[name === 'activityType' ? 'activity' : name, value]],
    ),
  );
}

/**
 * Logs one line for each successful activity (the SDK logs the failed ones), with the ids it worked on and the id of
 * the causing request.
 */
export function logActivity(_context: Context): ActivityInterceptors {
  let requestId: unknown;
  let ids: Record<string, unknown> = {};
  return {
    inbound: {
      async execute(input, next) {
        const header = input.headers[REQUEST_ID];
        requestId = header === undefined ? undefined : defaultPayloadConverter.fromPayload(header);
        ids = idsIn(input.args[0]);
        const since = Date.now();
        const result = await next(input);
        log.info('activity done', { ms: Date.now() - since, outcome: outcomeOf(result) });
        return result;
      },
    },
    outbound: {
      getLogAttributes: (input, next) => ({
        ...next(input),
        ...ids,
        ...(requestId === undefined ? {} : { requestId }),
      }),
    },
  };
}

function idsIn(told: unknown): Record<string, unknown> {
  if (typeof told !== 'object' || told === null) return {};
  return Object.fromEntries(Object.entries(told).filter(([name]) => IDS.includes(name)));
}

/** The outcome of a step, in one word. */
function outcomeOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'kind' in result ? result.kind : undefined;
}
