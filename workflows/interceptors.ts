import {
  defaultPayloadConverter,
  type WorkflowInterceptorsFactory,
  workflowInfo,
} from '@temporalio/workflow';
import { REQUEST_ID } from '../temporal/names.ts';

/** Adds the id of the causing HTTP request to a workflow's log lines and activities. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      getLogAttributes: (input, next) => ({ ...next(input), ...requestId() }),
      scheduleActivity: (input, next) => {
        const { requestId: id } = requestId();
        if (id === undefined) return next(input);
        return next({
          ...input,
          headers: { ...input.headers, [REQUEST_ID]: defaultPayloadConverter.toPayload(id) },
        });
      },
    },
  ],
});

function requestId(): { requestId?: unknown } {
  const id = workflowInfo().memo?.['requestId'];
  return id === undefined ? {} : { requestId: id };
}
