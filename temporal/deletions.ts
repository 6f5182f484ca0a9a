import type { Client } from '@temporalio/client';
import type { DeletePost, DeletePostInput } from './contract.ts';
import { deletionAsked } from './messages.ts';
import { EverpostAccount, EverpostProvider, EverpostUser, deletionWorkflowId, TASK_QUEUE } from './names.ts';
import type { PostRow } from './posts.ts';
import { carried, unlessRunning } from './start.ts';

/* Starts and signals deletePost. */

function deletionStart(post: PostRow) {
  return {
    ...carried(post.requestId),
    workflowId: deletionWorkflowId(post.id),
    taskQueue: TASK_QUEUE,
    args: [{ postId: post.id, accountId: post.oauthAccountId }] as [DeletePostInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: `Delete a post from ${post.provider}`,
    typedSearchAttributes: [
      { key: EverpostUser, value: post.userId },
      { key: EverpostAccount, value: post.oauthAccountId },
      { key: EverpostProvider, value: post.provider },
    ],
  };
}

/** Starts the deletion of a post's live parts; a running one continues. */
export async function startDeletion(client: Client, post: PostRow): Promise<void> {
  await client.workflow.signalWithStart<DeletePost>('deletePost', {
    ...deletionStart(post),
    signal: deletionAsked,
  });
}

/** Restarts a deletion whose workflow is lost. @returns whether none was running */
export async function restartDeletion(client: Client, post: PostRow): Promise<boolean> {
  return unlessRunning(
    client.workflow.start<DeletePost>('deletePost', {
      ...deletionStart(post),
      workflowIdConflictPolicy: 'FAIL',
    }),
  );
}
