import type { Client } from '@temporalio/client';
import type { HandleEvent, HandleEventInput } from './contract.ts';
import { EverpostProvider, eventWorkflowId, TASK_QUEUE } from './names.ts';
import { carried, once, unlessRunning } from './start.ts';

/* Starts handleEvent. */

/** An event, as its workflow's start needs it. */
export interface EventRow {
  provider: string;
  externalId: string;
  input: HandleEventInput;
  summary: string;
  requestId: string | null;
}

function eventStart({ requestId, provider, externalId, input, summary }: EventRow) {
  return {
    ...carried(requestId),
    workflowId: eventWorkflowId(provider, externalId),
    taskQueue: TASK_QUEUE,
    args: [input] as [HandleEventInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: summary,
    typedSearchAttributes: [{ key: EverpostProvider, value: provider }],
  };
}

/** Applies an event unless its workflow was ever started; `replay` applies it again. */
export async function startEvent(client: Client, event: EventRow, replay = false): Promise<void> {
  await once(
    client.workflow.start<HandleEvent>('handleEvent', {
      ...eventStart(event),
      workflowIdReusePolicy: replay ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
    }),
  );
}

/** Restarts an event whose workflow is lost. @returns whether none was running */
export async function restartEvent(client: Client, event: EventRow): Promise<boolean> {
  return unlessRunning(
    client.workflow.start<HandleEvent>('handleEvent', {
      ...eventStart(event),
      workflowIdConflictPolicy: 'FAIL',
    }),
  );
}
