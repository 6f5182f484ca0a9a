import type { Client } from '@temporalio/client';
import type { ActionKind } from '../reading.ts';
import type { ModerateComment, ModerateCommentInput } from './contract.ts';
import { actionWorkflowId, EverpostAccount, EverpostUser, SYNC_QUEUE } from './names.ts';
import { carried, once, unlessRunning } from './start.ts';

/* Starts moderateComment. */

/** The action's columns that its workflow's start needs. */
export interface ActionRow {
  id: string;
  userId: string;
  oauthAccountId: string;
  kind: ActionKind;
  requestId: string | null;
}

function actionStart(action: ActionRow) {
  return {
    ...carried(action.requestId),
    workflowId: actionWorkflowId(action.id),
    taskQueue: SYNC_QUEUE,
    args: [{ actionId: action.id, accountId: action.oauthAccountId }] as [ModerateCommentInput],
    staticSummary: `Comment: ${action.kind}`,
    typedSearchAttributes: [
      { key: EverpostUser, value: action.userId },
      { key: EverpostAccount, value: action.oauthAccountId },
    ],
    // Servers with fairness turned on serve tenants in turns.
    priority: { fairnessKey: action.userId },
  };
}

/** Starts an action; a running one continues. */
export async function startAction(client: Client, action: ActionRow): Promise<void> {
  await once(
    client.workflow.start<ModerateComment>('moderateComment', {
      ...actionStart(action),
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  );
}

/** Restarts an action whose workflow is lost. @returns whether none was running */
export async function restartAction(client: Client, action: ActionRow): Promise<boolean> {
  return unlessRunning(
    client.workflow.start<ModerateComment>('moderateComment', {
      ...actionStart(action),
      workflowIdConflictPolicy: 'FAIL',
    }),
  );
}
