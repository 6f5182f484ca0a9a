import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import type { Plan } from '../plan.ts';
import type { PublishPost, PublishPostInput } from './contract.ts';
import { cancelPost, lookAgain, postSettled, reschedulePost } from './messages.ts';
import {
  EverpostAccount,
  EverpostProvider,
  EverpostState,
  EverpostUser,
  postWorkflowId,
  TASK_QUEUE,
} from './names.ts';
import { carried, once, short } from './start.ts';

/* Starts and messages publishPost. */

/** The post's columns that its workflow's start needs. */
export interface PostRow {
  id: string;
  userId: string;
  oauthAccountId: string;
  provider: string;
  plan: Plan;
  /** The summary for operators in the Temporal UI, without the time: none of the post's text. */
  summary: string | null;
  scheduledAt: Date | null;
  requestId: string | null;
}

function postStart(post: PostRow) {
  const summary = post.summary ?? `Publish to ${post.provider}`;
  const input: PublishPostInput = {
    postId: post.id,
    accountId: post.oauthAccountId,
    userId: post.userId,
    provider: post.provider,
    plan: post.plan,
    waitMs: Math.max(0, (post.scheduledAt?.getTime() ?? 0) - Date.now()),
  };
  return {
    ...carried(post.requestId),
    workflowId: postWorkflowId(post.id),
    taskQueue: TASK_QUEUE,
    args: [input] as [PublishPostInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
    staticSummary: `${short(summary)}${post.scheduledAt === null ? '' : ` at ${post.scheduledAt.toISOString()}`}`,
    typedSearchAttributes: [
      { key: EverpostUser, value: post.userId },
      { key: EverpostAccount, value: post.oauthAccountId },
      { key: EverpostProvider, value: post.provider },
      { key: EverpostState, value: input.waitMs > 0 ? 'scheduled' : 'accepted' },
    ],
  };
}

/** Starts a post's workflow unless it was ever started; with `again`, unless it is running. */
export async function startPost(client: Client, post: PostRow, { again = false } = {}): Promise<void> {
  await once(
    client.workflow.start<PublishPost>('publishPost', {
      ...postStart(post),
      ...(again ? { workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const } : {}),
    }),
  );
}

/** Whether a post's workflow is running. */
export async function postRuns(client: Client, postId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(postWorkflowId(postId)).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Signals a post's workflow that the post has ended. */
export async function signalSettled(client: Client, postId: string, state: string): Promise<void> {
  await client.workflow.getHandle(postWorkflowId(postId)).signal(postSettled, { state });
}

/** Cancels a post, even if its workflow was never started. @throws WorkflowUpdateFailedError of type `TooLate` */
export function askToCancel(client: Client, post: PostRow): Promise<{ state: string }> {
  const startWorkflowOperation = new WithStartWorkflowOperation<PublishPost>('publishPost', postStart(post));
  return client.workflow.executeUpdateWithStart(cancelPost, { startWorkflowOperation });
}

/** Moves a post to another time. @throws WorkflowUpdateFailedError of type `TooLate` */
export function askToReschedule(
  client: Client,
  post: PostRow,
  scheduledAt: Date,
): Promise<{ state: string }> {
  const startWorkflowOperation = new WithStartWorkflowOperation<PublishPost>('publishPost', postStart(post));
  return client.workflow.executeUpdateWithStart(reschedulePost, {
    startWorkflowOperation,
    args: [{ scheduledAt: scheduledAt.toISOString() }],
  });
}

/** Wakes a waiting post; starts its workflow if needed. */
export async function wakePost(client: Client, post: PostRow): Promise<void> {
  await once(
    client.workflow.signalWithStart<PublishPost>('publishPost', {
      ...postStart(post),
      signal: lookAgain,
    }),
  );
}
