import { ActivityFailure, getExternalWorkflowHandle, log } from '@temporalio/workflow';
import type { AppliedEvent, HandleEventInput } from '../temporal/contract.ts';
import { applyEvent, keepEventError, storeEvent } from './activity-options.ts';
import { accountChanged, postSettled } from '../temporal/messages.ts';
import { postWorkflowId, tokenWorkflowId } from '../temporal/names.ts';

/** Applies one stored event and notifies the affected workflows. */
export async function handleEvent(input: HandleEventInput): Promise<void> {
  const eventId = 'eventId' in input ? input.eventId : await storeEvent(input.event);
  let applied: AppliedEvent;
  try {
    applied = await applyEvent({ eventId });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    await keepEventError({ eventId, message: error.cause?.message ?? error.message });
    return;
  }
  for (const { postId, state } of applied.posts)
    await quietly(() => getExternalWorkflowHandle(postWorkflowId(postId)).signal(postSettled, { state }));
  for (const { provider, accountId } of applied.accounts)
    await quietly(() =>
      getExternalWorkflowHandle(tokenWorkflowId(provider, accountId)).signal(accountChanged),
    );
}

/** A workflow that has ended needs no signal: its row has the news. */
async function quietly(signal: () => Promise<void>): Promise<void> {
  try {
    await signal();
  } catch (error) {
    log.debug('the workflow to notify has ended', { error: String(error) });
  }
}
