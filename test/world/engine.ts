import type { Client, Connection } from '@temporalio/client';
import type { Sweep, Swept } from '../../temporal/contract.ts';
import { until } from './until.ts';

/** What tests do to running workflows. @param namespace the world's own */
export function createEngine(namespace: string, connection: Connection, temporal: Client) {
  /** Lets a running workflow skip the time that it waits for. */
  async function skipTime(workflowId: string): Promise<void> {
    await connection.workflowService.updateWorkflowExecutionOptions({
      namespace,
      workflowExecution: { workflowId },
      workflowExecutionOptions: { timeSkippingConfig: { enabled: true } },
      updateMask: { paths: ['time_skipping_config'] },
    });
  }

  /** Runs the sweep once, to its end. @returns its repairs */
  async function sweep(): Promise<Swept> {
    const schedule = temporal.schedule.getHandle('sweep');
    const { numActionsTaken: before } = (await schedule.describe()).info;
    await schedule.trigger();
    const workflowId = await until('the sweep', async () => {
      const { numActionsTaken, recentActions } = (await schedule.describe()).info;
      return numActionsTaken > before ? (recentActions.at(-1)?.action.workflow.workflowId ?? null) : null;
    });
    return temporal.workflow.getHandle<Sweep>(workflowId).result();
  }

  return { skipTime, sweep };
}
