import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';

/*
 * Shared by the functions that start or message workflows. Workflow ids deduplicate: starting twice is starting once.
 * All these functions reject if the Temporal server does not answer; callers that must not wait use
 * `client.withDeadline`.
 */

/** Passes the request's id on to the workflow's log lines (interceptors.ts). */
export const carried = (requestId: string | null) => ({ memo: requestId === null ? {} : { requestId } });

/** The server accepts summaries of up to 400 bytes. */
export const short = (text: string): string => text.slice(0, 110).toWellFormed();

export async function once(start: Promise<unknown>): Promise<void> {
  await unlessRunning(start);
}

/** @returns false if the server refused the start because the workflow exists */
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
 * The running ones of these workflows, from one query of Temporal's visibility; a workflow started a moment ago may be
 * missing.
 */
export async function runningWorkflows(
  client: Client,
  workflowIds: readonly string[],
): Promise<ReadonlySet<string>> {
  // An event's id contains text from the provider.
  const ids = workflowIds.map((id) => `'${id.replaceAll(/[\\']/g, '\\$&')}'`).join(', ');
  const running = new Set<string>();
  const query = `ExecutionStatus = 'Running' and WorkflowId in (${ids})`;
  for await (const { workflowId } of client.workflow.list({ query, pageSize: workflowIds.length }))
    running.add(workflowId);
  return running;
}
