import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { SyncAccount, SyncAccountInput } from './contract.ts';
import type { AccountRow } from './keepers.ts';
import { syncAsked } from './messages.ts';
import {
  EverpostAccount,
  EverpostProvider,
  EverpostUser,
  SYNC_DUE_ID,
  SYNC_QUEUE,
  syncWorkflowId,
} from './names.ts';
import { once, short } from './start.ts';

/* Starts and wakes syncAccount, and makes and removes the Schedule of syncDue. */

function syncStart(account: AccountRow) {
  return {
    workflowId: syncWorkflowId(account.id),
    taskQueue: SYNC_QUEUE,
    args: [{ accountId: account.id }] as [SyncAccountInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: `Copies what ${account.provider} knows about ${account.username == null ? 'one account' : short(`@${account.username}`)}`,
    typedSearchAttributes: [
      { key: EverpostUser, value: account.userId },
      { key: EverpostAccount, value: account.id },
      { key: EverpostProvider, value: account.provider },
    ],
    // Servers with fairness turned on serve tenants in turns; workers do it on any server (activities/sync/turns.ts).
    priority: { fairnessKey: account.userId },
  };
}

/** Starts a round for an account that has something due; a running one is left alone. */
export async function startSync(client: Client, account: AccountRow): Promise<void> {
  await once(client.workflow.start<SyncAccount>('syncAccount', syncStart(account)));
}

/** Makes an account's round look again at what is due; starts one if none is running. */
export async function wakeSync(client: Client, account: AccountRow): Promise<void> {
  await client.workflow.signalWithStart<SyncAccount>('syncAccount', {
    ...syncStart(account),
    signal: syncAsked,
  });
}

/** Creates the Schedule that starts rounds: each minute, never two at once. Creating it twice changes nothing. */
export async function scheduleSync(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SYNC_DUE_ID,
      spec: { intervals: [{ every: '1 minute' }], jitter: '5 seconds' },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '2 minutes' },
      action: {
        type: 'startWorkflow',
        workflowType: 'syncDue',
        workflowId: SYNC_DUE_ID,
        taskQueue: SYNC_QUEUE,
        staticSummary: 'Starts sync for accounts that have something due',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

/** Deletes that Schedule: without a worker for sync it would start workflows that no process runs. */
export async function unscheduleSync(client: Client): Promise<void> {
  try {
    await client.schedule.getHandle(SYNC_DUE_ID).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
