import { WorkflowUpdateFailedError } from '@temporalio/client';
import { type Account, deactivate } from '../db/accounts.ts';
import { audit } from '../db/audit.ts';
import { openPosts } from '../db/posts.ts';
import { isRenewable, nextDue, warnOfEnd } from '../db/token-times.ts';
import { accountKey, wipeTokens } from '../db/tokens.ts';
import { ProviderError } from '../providers/errors.ts';
import type { TokenNext, TokenStanding } from '../temporal/contract.ts';
import { askForToken } from '../temporal/keepers.ts';
import { askToCancel, wakePost } from '../temporal/posts.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { tryAgain } from './failures.ts';
import { hasEnded, loadAccount, standing } from './loaded-account.ts';
import { refresh } from './refresh.ts';
import { revoke } from './revoke.ts';

/** Reads, renews and ends an account's tokens. Only `keepTokenFresh` calls these activities, except `renewToken`. */
export const createTokenActivities = (deps: Deps) => ({
  /** The next action for the account's tokens, and in how many milliseconds it is due; null: never. */
  async tokenDue({ accountId }: { accountId: string }): Promise<TokenStanding & TokenNext> {
    const account = await loadAccount(deps, accountId);
    const due = nextDue(account);
    return {
      ...standing(account),
      due: due?.what ?? null,
      dueInMs: due === null ? null : Math.max(0, due.at.getTime() - Date.now()),
    };
  },

  /**
   * Does what is due for the token pair of this version: refreshes it or, if it is not renewable, warns of its end and
   * later ends the account. A pair that was replaced meanwhile is left alone.
   * @param refused whether the provider has refused the access token
   * @throws ApplicationFailure while the provider does not answer; retried until the refresh token's end
   */
  refreshAccount: ({
    accountId,
    tokenVersion,
    refused = false,
  }: {
    accountId: string;
    tokenVersion: number;
    refused?: boolean;
  }): Promise<TokenStanding> =>
    alive(async () => {
      const { db, providers } = deps;
      const account = await loadAccount(deps, accountId);
      if (account.tokenVersion !== tokenVersion || account.status !== 'active') return standing(account);
      if (!isRenewable(account)) return keepUntilEnd(deps, account, refused);
      const provider = providers.find(account.provider, account.method);
      if (provider === null) throw new Error(`no credentials are set for ${account.provider}`);
      try {
        return await refresh(deps, account, provider);
      } catch (error) {
        if (error instanceof ProviderError && error.kind === 'grant')
          return reauth(deps, account, 'refresh_token_refused');
        await warnOfEnd(db, account);
        throw error instanceof ProviderError ? tryAgain(error) : error;
      }
    }),

  /**
   * Ends our access at the provider, then wipes the tokens. A dead token needs no revoking, and an account that was
   * reconnected keeps its tokens.
   */
  revokeAccount: ({ accountId }: { accountId: string }): Promise<void> =>
    alive(async (signal) => {
      const { db, envelope } = deps;
      const account = await loadAccount(deps, accountId);
      const ours = account.statusReason === 'disconnected_by_user';
      if (ours) await cancelPosts(deps, account.id);
      // The user did not cancel these posts: they find out themselves that the account is gone.
      else for (const post of await openPosts(db, account.id)) await wakePost(deps.temporal, post);
      if (ours) await revoke(deps, account, signal);
      if (account.dataKeyId !== null) envelope.forget(await accountKey(db, account));
      await wipeTokens(db, account.id);
    }),

  /** Makes an account's open posts check it again. */
  wakePosts: ({ accountId }: { accountId: string }): Promise<void> => wake(deps, accountId),

  /** For posts: waits until the account has another token than the refused one, or until it is certain to get none. */
  renewToken: ({
    accountId,
    tokenVersion,
  }: {
    accountId: string;
    tokenVersion: number;
  }): Promise<TokenStanding> =>
    alive(async () => {
      const account = await loadAccount(deps, accountId);
      if (account.tokenVersion !== tokenVersion || account.status !== 'active') return standing(account);
      return askForToken(deps.temporal, account);
    }),
});

/** The tokens are not renewable: the account works until its access token ends, or is refused. */
async function keepUntilEnd(deps: Deps, account: Account, refused: boolean): Promise<TokenStanding> {
  if (refused || hasEnded(account.expiresAt)) return reauth(deps, account, whyEnded(account, refused));
  await warnOfEnd(deps.db, account);
  return standing(account);
}

function whyEnded({ refreshTokenEncrypted }: Account, refused: boolean): string {
  if (refreshTokenEncrypted !== null) return 'refresh_token_expired';
  return refused ? 'token_refused' : 'token_expired';
}

/**
 * Only if the row still holds the refused pair: another one may have been stored meanwhile. One commit with the audit
 * entry, because a retry finds the account out of service and writes none.
 */
async function reauth(deps: Deps, account: Account, reason: string): Promise<TokenStanding> {
  const { tokenVersion } = account;
  const saved = await deps.db.transaction(async (tx) => {
    const deactivated = await deactivate(tx, account.id, { status: 'reauth_required', reason, tokenVersion });
    if (deactivated !== null)
      await audit(tx, {
        userId: account.userId,
        actor: 'system',
        action: 'account.reauth_required',
        subject: account.id,
        details: { reason },
      });
    return deactivated;
  });
  return standing(saved ?? (await loadAccount(deps, account.id)));
}

/** Posts that can no longer be stopped go on waiting for their verdict. */
async function cancelPosts({ db, temporal }: Deps, accountId: string): Promise<void> {
  const cancelled = await Promise.allSettled(
    (await openPosts(db, accountId)).map((post) => askToCancel(temporal, post)),
  );
  for (const result of cancelled)
    if (result.status === 'rejected' && !(result.reason instanceof WorkflowUpdateFailedError))
      throw result.reason;
}

/** Notifies the posts that are older than the creator's consent; later ones know it. */
async function wake(deps: Deps, accountId: string): Promise<void> {
  const { connectedAt } = await loadAccount(deps, accountId);
  for (const post of await openPosts(deps.db, accountId))
    // A consent does not raise a limit: trying again would break the limit that the post waits for.
    if (post.createdAt < connectedAt && post.state !== 'waiting_quota') await wakePost(deps.temporal, post);
}
