import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  accountChanged,
  cancelPost,
  deletionAsked,
  disconnectAccount,
  lookAgain,
  mediaCompleted,
  postSettled,
  refreshToken,
  reschedulePost,
  revokeAccess,
} from './messages.ts';
import {
  EverpostAccount,
  EverpostProvider,
  EverpostState,
  EverpostUser,
  deletionWorkflowId,
  eventWorkflowId,
  mediaWorkflowId,
  postWorkflowId,
  TASK_QUEUE,
  tokenWorkflowId,
} from './names.ts';
import type { deletePost } from '../workflows/delete-post.ts';
import type { handleEvent, HandleEventInput } from '../workflows/handle-event.ts';
import type { keepTokenFresh } from '../workflows/keep-token-fresh.ts';
import type { mediaUpload } from '../workflows/media-upload.ts';
import type { publishPost, PublishPostInput } from '../workflows/publish-post.ts';

/*
 * How others start our workflows and speak to them. Ids do the de-duplication: starting twice is starting once. All of
 * these reject when the Temporal server does not answer; callers that must not wait use `client.withDeadline`.
 */

/** The columns of a post that its workflow starts from. */
export interface PostRow {
  id: string;
  userId: string;
  oauthAccountId: string;
  provider: string;
  plan: PublishPostInput['plan'];
  /** What operators read in the Temporal UI, without the time: no text of the post. */
  summary: string | null;
  scheduledAt: Date | null;
  requestId: string | null;
}

/** The columns of an account that its workflow starts from. */
export interface AccountRow {
  id: string;
  userId: string;
  provider: string;
  username?: string | null;
}

/** The media columns that its workflow starts from. */
export interface MediaRow {
  id: string;
  userId: string;
  requestId: string | null;
}

/** What the workflow's log lines carry on (interceptors.ts). */
const carried = (requestId: string | null) => ({ memo: requestId === null ? {} : { requestId } });

/** The server takes summaries of 400 bytes. */
const short = (text: string): string => text.slice(0, 110).toWellFormed();

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

function tokenStart(account: AccountRow) {
  return {
    workflowId: tokenWorkflowId(account.provider, account.id),
    taskQueue: TASK_QUEUE,
    args: [{ accountId: account.id }] as [{ accountId: string }],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: `Keeps the ${account.provider} token of ${account.username == null ? 'one account' : short(`@${account.username}`)} fresh`,
    typedSearchAttributes: [
      { key: EverpostUser, value: account.userId },
      { key: EverpostAccount, value: account.id },
      { key: EverpostProvider, value: account.provider },
    ],
  };
}

/** Starts a post's workflow, unless it was ever started; `again`: unless it runs. */
export async function startPost(client: Client, post: PostRow, { again = false } = {}): Promise<void> {
  await once(
    client.workflow.start<typeof publishPost>('publishPost', {
      ...postStart(post),
      ...(again ? { workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const } : {}),
    }),
  );
}

/** Whether a post's workflow is running now. */
export async function postRuns(client: Client, postId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(postWorkflowId(postId)).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
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

/** Tells a post's workflow that the post has ended. */
export async function signalSettled(client: Client, postId: string, state: string): Promise<void> {
  await client.workflow.getHandle(postWorkflowId(postId)).signal(postSettled, { state });
}

/** Cancels a post, also one whose workflow nobody has started yet. @throws WorkflowUpdateFailedError of type `TooLate` */
export function askToCancel(client: Client, post: PostRow): Promise<{ state: string }> {
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof publishPost>(
    'publishPost',
    postStart(post),
  );
  return client.workflow.executeUpdateWithStart(cancelPost, { startWorkflowOperation });
}

/** Moves a post to another time. @throws WorkflowUpdateFailedError of type `TooLate` */
export function askToReschedule(
  client: Client,
  post: PostRow,
  scheduledAt: Date,
): Promise<{ state: string }> {
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof publishPost>(
    'publishPost',
    postStart(post),
  );
  return client.workflow.executeUpdateWithStart(reschedulePost, {
    startWorkflowOperation,
    args: [{ scheduledAt: scheduledAt.toISOString() }],
  });
}

function deletionStart(post: PostRow) {
  return {
    ...carried(post.requestId),
    workflowId: deletionWorkflowId(post.id),
    taskQueue: TASK_QUEUE,
    args: [{ postId: post.id, accountId: post.oauthAccountId }] as [{ postId: string; accountId: string }],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: `Delete a post from ${post.provider}`,
    typedSearchAttributes: [
      { key: EverpostUser, value: post.userId },
      { key: EverpostAccount, value: post.oauthAccountId },
      { key: EverpostProvider, value: post.provider },
    ],
  };
}

/** Has what is live of a post deleted; one that is being deleted goes on. */
export async function startDeletion(client: Client, post: PostRow): Promise<void> {
  await client.workflow.signalWithStart<typeof deletePost>('deletePost', {
    ...deletionStart(post),
    signal: deletionAsked,
  });
}

/** Goes on with a deletion whose workflow is lost. @returns whether none was running */
export async function restartDeletion(client: Client, post: PostRow): Promise<boolean> {
  return unlessRunning(
    client.workflow.start<typeof deletePost>('deletePost', {
      ...deletionStart(post),
      workflowIdConflictPolicy: 'FAIL',
    }),
  );
}

/** What an event's workflow starts from. */
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

/** Applies an event, unless that was ever started; `replay` applies it once more. */
export async function startEvent(client: Client, event: EventRow, replay = false): Promise<void> {
  await once(
    client.workflow.start<typeof handleEvent>('handleEvent', {
      ...eventStart(event),
      workflowIdReusePolicy: replay ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
    }),
  );
}

/** Goes on with an event whose workflow is lost. @returns whether none was running */
export async function restartEvent(client: Client, event: EventRow): Promise<boolean> {
  return unlessRunning(
    client.workflow.start<typeof handleEvent>('handleEvent', {
      ...eventStart(event),
      workflowIdConflictPolicy: 'FAIL',
    }),
  );
}

function mediaStart(media: MediaRow) {
  return {
    ...carried(media.requestId),
    workflowId: mediaWorkflowId(media.id),
    taskQueue: TASK_QUEUE,
    args: [{ mediaId: media.id }] as [{ mediaId: string }],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: 'Receives and examines one file',
    typedSearchAttributes: [{ key: EverpostUser, value: media.userId }],
  };
}

/** Watches over an upload. */
export async function startMedia(client: Client, media: MediaRow): Promise<void> {
  await once(client.workflow.start<typeof mediaUpload>('mediaUpload', mediaStart(media)));
}

/** Says that an upload's last byte has arrived. */
export async function signalMediaCompleted(client: Client, media: MediaRow): Promise<void> {
  await client.workflow.signalWithStart<typeof mediaUpload>('mediaUpload', {
    ...mediaStart(media),
    signal: mediaCompleted,
  });
}

/** Says that an account's row has changed; starts the keeper of its tokens where none runs. */
export async function signalAccountChanged(client: Client, account: AccountRow): Promise<void> {
  await client.workflow.signalWithStart<typeof keepTokenFresh>('keepTokenFresh', {
    ...tokenStart(account),
    signal: accountChanged,
  });
}

/** Starts the keeper of an account's tokens. @returns whether none was running */
export async function startKeeper(client: Client, account: AccountRow): Promise<boolean> {
  return unlessRunning(
    client.workflow.start<typeof keepTokenFresh>('keepTokenFresh', {
      ...tokenStart(account),
      workflowIdConflictPolicy: 'FAIL',
    }),
  );
}

/** Has an account's tokens revoked and wiped. */
export async function signalDisconnect(client: Client, account: AccountRow): Promise<void> {
  await client.workflow.signalWithStart<typeof keepTokenFresh>('keepTokenFresh', {
    ...tokenStart(account),
    signal: disconnectAccount,
  });
}

/** Has an account's tokens revoked and wiped, and waits for it. */
export async function askToRevoke(client: Client, account: AccountRow): Promise<void> {
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof keepTokenFresh>(
    'keepTokenFresh',
    tokenStart(account),
  );
  await client.workflow.executeUpdateWithStart(revokeAccess, { startWorkflowOperation });
}

/**
 * Waits until an account has another token than the one that was refused, or none will come. Everybody who asks about
 * one token asks the same update, so a hundred at once are one refresh.
 */
export function askForToken(
  client: Client,
  account: AccountRow & { tokenVersion: number },
): Promise<{ status: string; tokenVersion: number }> {
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof keepTokenFresh>(
    'keepTokenFresh',
    tokenStart(account),
  );
  return client.workflow.executeUpdateWithStart(refreshToken, {
    startWorkflowOperation,
    updateId: `refresh:${account.tokenVersion}`,
    args: [{ tokenVersion: account.tokenVersion }],
  });
}

async function once(start: Promise<unknown>): Promise<void> {
  await unlessRunning(start);
}

/** @returns false where the server has refused the start, because there is one */
async function unlessRunning(start: Promise<unknown>): Promise<boolean> {
  try {
    await start;
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** Tells a waiting post to look again; starts it where nobody has. */
export async function wakePost(client: Client, post: PostRow): Promise<void> {
  await once(
    client.workflow.signalWithStart<typeof publishPost>('publishPost', {
      ...postStart(post),
      signal: lookAgain,
    }),
  );
}
