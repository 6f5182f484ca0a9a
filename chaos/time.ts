import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world.ts';

/* What the Temporal server lets an operator do about time, so that hours pass at once. */

/** Lets a running workflow skip the time that its timers wait for, or wait for it again. */
export async function skipTime(
  { stack: { temporal } }: World,
  workflowId: string,
  enabled = true,
): Promise<void> {
  await temporal.workflowService
    .updateWorkflowExecutionOptions({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId },
      workflowExecutionOptions: { timeSkippingConfig: { enabled } },
      updateMask: { paths: ['time_skipping_config'] },
    })
    // It may have ended.
    .catch(() => {});
}

/** Has activities that wait for their next try make it now. */
export async function endBackoffs(
  { stack: { temporal } }: World,
  workflowIds: readonly string[],
): Promise<void> {
  const { namespace } = temporal.options;
  await Promise.all(
    workflowIds.map(async (workflowId) => {
      try {
        const { pendingActivities } = await temporal.workflowService.describeWorkflowExecution({
          namespace,
          execution: { workflowId },
        });
        const waiting = (pendingActivities ?? []).some(
          ({ state, attempt }) => Number(state) === SCHEDULED && (attempt ?? 0) > 1,
        );
        if (waiting)
          await temporal.workflowService.resetActivity({
            namespace,
            execution: { workflowId },
            matchAll: true,
          });
      } catch {
        // It may have ended, or never started.
      }
    }),
  );
}

/** temporal.api.enums.v1.PendingActivityState */
const SCHEDULED = 1;

/** Waits until no workflow of a type is open. @returns the ids of those that still are after `ms` */
export async function openWorkflows(
  { stack: { temporal } }: World,
  type: string,
  ms: number,
): Promise<string[]> {
  const end = Date.now() + ms;
  for (;;) {
    const ids: string[] = [];
    const query = `WorkflowType = '${type}' and ExecutionStatus = 'Running'`;
    for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
    if (ids.length === 0 || Date.now() > end) return ids;
    await sleep(200);
  }
}
