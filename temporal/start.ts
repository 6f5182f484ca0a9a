import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';

/*
 * What the functions that start or message workflows have in common. Ids do the de-duplication: starting twice is starting once. All of
 * these reject when the Temporal server does not answer; callers that must not wait use `client.withDeadline`.
 */

/** What the workflow's log lines carry on (interceptors.ts). */
export const carried = (requestId: string | null) => ({ memo: requestId === null ? {} : { requestId } });

/** The server takes summaries of 400 bytes. */
export const short = (text: string): string => text.slice(0, 110).toWellFormed();

export async function once(start: Promise<unknown>): Promise<void> {
  await unlessRunning(start);
}

/** @returns false where the server has refused the start, because there is one */
export async function unlessRunning(start: Promise<unknown>): Promise<boolean> {
  try {
    await start;
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/**
 * Which of these workflows run now, by one question to Temporal's visibility; one that was started a moment ago may be
 * missing.
 */
export async function runningWorkflows(
  client: Client,
  workflowIds: readonly string[],
): Promise<ReadonlySet<string>> {
  // Ids of events have what a provider says.
  const ids = workflowIds.map((id) => `'${id.replaceAll(/[\\']/g, '\\$&')}'`).join(', ');
  const running = new Set<string>();
  const query = `ExecutionStatus = 'Running' and WorkflowId in (${ids})`;
  for await (const { workflowId } of client.workflow.list({ query, pageSize: workflowIds.length }))
    running.add(workflowId);
  return running;
}
