import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { KeepTokenFreshInput, TokenNext, TokenStanding } from '../temporal/contract.ts';
import { refreshAccount, revokeAccount, tokenDue, wakePosts } from './activity-options.ts';
import { accountChanged, disconnectAccount, refreshToken, revokeAccess } from '../temporal/messages.ts';

/** What the keeper does when something is due. */
const NOW = {
  refresh: 'Refreshes the token',
  warning: 'Warns that the token is about to end',
  end: 'The token has ended',
} as const;

/**
 * The single writer of one account's tokens: refreshes them when they are due or refused, or warns of their end where nothing
 * renews them, until the account is out of service. Connecting the account again starts it again.
 */
export async function keepTokenFresh({ accountId }: KeepTokenFreshInput): Promise<void> {
  let standing: TokenStanding | null = null;
  /** The newest token version that a provider refused. */
  let refused = 0;
  let changed = false;
  let disconnecting = false;
  let over = false;
  let scope: CancellationScope | null = null;

  setHandler(accountChanged, () => {
    changed = true;
    scope?.cancel();
  });
  setHandler(disconnectAccount, () => {
    disconnecting = true;
    scope?.cancel();
  });
  setHandler(revokeAccess, async () => {
    disconnecting = true;
    scope?.cancel();
    await condition(() => !disconnecting || over);
  });
  setHandler(refreshToken, async ({ tokenVersion }) => {
    refused = Math.max(refused, tokenVersion);
    await condition(
      () => standing !== null && (standing.tokenVersion > tokenVersion || standing.status !== 'active'),
    );
    return { status: standing?.status ?? 'disconnected', tokenVersion: standing?.tokenVersion ?? 0 };
  });

  for (;;) {
    // Reset before reading the row: a change during the read is a reason to read it again.
    const woken = changed;
    changed = false;
    const now = await tokenDue({ accountId });
    standing = now;
    if (disconnecting || now.status === 'disconnected') {
      setCurrentDetails('Revokes and wipes the tokens');
      await revokeAccount({ accountId });
      disconnecting = false;
      // Meanwhile the creator may have reconnected the account.
      if (!changed && (await tokenDue({ accountId })).status === 'disconnected') break;
      continue;
    }
    if (now.status !== 'active') {
      setCurrentDetails('The account must be reconnected');
      if (changed) continue;
      break;
    }
    if (woken) await wakePosts({ accountId });
    const wanted = (): boolean => disconnecting || changed || refused >= now.tokenVersion;
    if (now.dueInMs === null || now.dueInMs > 0) {
      setCurrentDetails(describe(now));
      const due =
        now.dueInMs === null
          ? condition(wanted)
          : condition(wanted, now.dueInMs, { summary: `until the ${now.due ?? 'refresh'} is due` });
      await due;
      if (disconnecting || changed) continue;
    }
    setCurrentDetails(NOW[now.due ?? 'refresh']);
    scope = new CancellationScope();
    const { tokenVersion } = now;
    try {
      standing = await scope.run(() =>
        refreshAccount({ accountId, tokenVersion, refused: refused >= tokenVersion }),
      );
      // Continues as new on the server's hint, but only while nobody waits for an answer.
      if (workflowInfo().continueAsNewSuggested && !disconnecting && !changed) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof keepTokenFresh>({ accountId });
      }
    } catch (error) {
      if (!(isCancellation(error) && (disconnecting || changed))) throw error;
    } finally {
      scope = null;
    }
  }
  over = true;
  standing = { ...standing, status: standing.status === 'active' ? 'disconnected' : standing.status };
  await condition(allHandlersFinished);
}

/** What operators read while nothing is due. */
function describe({ due, dueInMs }: TokenNext): string {
  if (dueInMs === null) return 'The token does not expire';
  const seconds = Math.round(dueInMs / 1000);
  return due === 'warning' || due === 'end'
    ? `Nothing renews the token; its ${due} is due in ${seconds} s`
    : `Refreshes the token in ${seconds} s, or when it is refused`;
}
