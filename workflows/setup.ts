import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, SWEEP_ID, TASK_QUEUE } from './names.ts';

/* What Everpost needs in a Temporal namespace. Every worker asks for it at its start; asking twice changes nothing. */

/** Registers our search attributes. @throws ServiceError where the server leaves that to its operators */
export async function ensureSearchAttributes(client: Client): Promise<void> {
  const { operatorService } = client.connection;
  const { customAttributes } = await operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  });
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name }) => [name, KEYWORD])),
  });
}

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;

/** The Schedule of `sweep`: every minute, never two at once, nothing caught up after a stop. */
export async function ensureSweep(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SWEEP_ID,
      spec: { intervals: [{ every: '1 minute' }], jitter: '5 seconds' },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '2 minutes' },
      action: {
        type: 'startWorkflow',
        workflowType: 'sweep',
        workflowId: SWEEP_ID,
        taskQueue: TASK_QUEUE,
        staticSummary: 'Starts what was committed but never started',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
