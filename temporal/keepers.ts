import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import type { KeepTokenFresh, KeepTokenFreshInput } from './contract.ts';
import { accountChanged, disconnectAccount, refreshToken, revokeAccess } from './messages.ts';
import { EverpostAccount, EverpostProvider, EverpostUser, TASK_QUEUE, tokenWorkflowId } from './names.ts';
import { short, unlessRunning } from './start.ts';

/* Starts and messages keepTokenFresh, the keeper of an account's tokens. */

/** The account's columns that its workflow's start needs. */
export interface AccountRow {
  id: string;
  userId: string;
  provider: string;
  username?: string | null;
}

function tokenStart(account: AccountRow) {
  return {
    workflowId: tokenWorkflowId(account.provider, account.id),
    taskQueue: TASK_QUEUE,
    args: [{ accountId: account.id }] as [KeepTokenFreshInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: `Keeps the ${account.provider} token of ${account.username == null ? 'one account' : short(`@${account.username}`)} fresh`,
    typedSearchAttributes: [
      { key: EverpostUser, value: account.userId },
      { key: EverpostAccount, value: account.id },
      { key: EverpostProvider, value: account.provider },
    ],
  };
}

/** Signals that an account's row has changed; starts its token keeper if none is running. */
export async function signalAccountChanged(client: Client, account: AccountRow): Promise<void> {
  await client.workflow.signalWithStart<KeepTokenFresh>('keepTokenFresh', {
    ...tokenStart(account),
    signal: accountChanged,
  });
}

/** Starts an account's token keeper. @returns whether none was running */
export async function startKeeper(client: Client, account: AccountRow): Promise<boolean> {
  return unlessRunning(
    client.workflow.start<KeepTokenFresh>('keepTokenFresh', {
      ...tokenStart(account),
      workflowIdConflictPolicy: 'FAIL',
    }),
  );
}

/** Requests that an account's tokens be revoked and wiped. */
export async function signalDisconnect(client: Client, account: AccountRow): Promise<void> {
  await client.workflow.signalWithStart<KeepTokenFresh>('keepTokenFresh', {
    ...tokenStart(account),
    signal: disconnectAccount,
  });
}

/** Requests that an account's tokens be revoked and wiped, and waits until they are. */
export async function askToRevoke(client: Client, account: AccountRow): Promise<void> {
  const startWorkflowOperation = new WithStartWorkflowOperation<KeepTokenFresh>(
    'keepTokenFresh',
    tokenStart(account),
  );
  await client.workflow.executeUpdateWithStart(revokeAccess, { startWorkflowOperation });
}

/**
 * Waits until an account has a newer token than the refused one, or will get none. All callers with the same token
 * share one update, so a hundred at once cause one refresh.
 */
export function askForToken(
  client: Client,
  account: AccountRow & { tokenVersion: number },
): Promise<{ status: string; tokenVersion: number }> {
  const startWorkflowOperation = new WithStartWorkflowOperation<KeepTokenFresh>(
    'keepTokenFresh',
    tokenStart(account),
  );
  return client.workflow.executeUpdateWithStart(refreshToken, {
    startWorkflowOperation,
    updateId: `refresh:${account.tokenVersion}`,
    args: [{ tokenVersion: account.tokenVersion }],
  });
}
