import type { Client } from '@temporalio/client';
import type { WorkerStatus } from '@temporalio/worker';
import { TASK_QUEUE } from './names.ts';

/** temporal.api.enums.v1.TaskQueueType */
const KINDS = { workflow: 1, activity: 2 } as const;

/** When a worker last polled for tasks of each kind, by Temporal's clock; 0: none did recently. @throws ServiceError */
export async function lastPolls(client: Client): Promise<{ workflows: number; activities: number }> {
  const lastPoll = async (taskQueueType: number): Promise<number> => {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: TASK_QUEUE },
      // The enum is in a package that we do not depend on.
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
      taskQueueType,
    });
    return Math.max(0, ...pollers.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000));
  };
  const [workflows, activities] = await Promise.all([lastPoll(KINDS.workflow), lastPoll(KINDS.activity)]);
  return { workflows, activities };
}

/** Why a worker no longer polls although it was not shut down; null if it polls or is shutting down. */
export function deadPollers({
  runState,
  workflowPollerState,
  activityPollerState,
}: Pick<WorkerStatus, 'runState' | 'workflowPollerState' | 'activityPollerState'>): string | null {
  if (runState === 'FAILED') return 'the worker has failed';
  if (runState !== 'RUNNING') return null;
  const dead = [
    ...(workflowPollerState === 'POLLING' ? [] : ['workflows']),
    ...(activityPollerState === 'POLLING' ? [] : ['activities']),
  ];
  return dead.length === 0 ? null : `the worker no longer polls for ${dead.join(' and ')}`;
}
