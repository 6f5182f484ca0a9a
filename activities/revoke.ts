import type { Account } from '../db/accounts.ts';
import { beginRevocation, endGrantCall } from '../db/grant-calls.ts';
import { isInService, loginOf } from '../db/logins.ts';
import { DAY } from '../durations.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Deps } from './deps.ts';
import { notYet, tryAgain } from './failures.ts';
import { hasEnded, loadAccount } from './loaded-account.ts';
import { liveToken } from './refresh.ts';

/** The time for a revocation's answer, and the pause after a missing one, in which creators can connect. */
const REVOKE_MS = 10_000;
const AFTER_LOST_MS = 30_000;
/** If the provider does not answer for this long, it keeps the permission; the tokens are wiped anyway. */
const REVOKE_FOR_MS = DAY;

/**
 * Revokes a disconnected account's tokens, unless that would end another account's access or a newer grant.
 * @throws ApplicationFailure while a creator is connecting, or the provider does not answer
 */
export async function revoke(deps: Deps, account: Account, signal: AbortSignal): Promise<void> {
  const { db, providers } = deps;
  const provider = providers.find(account.provider, account.method);
  if (provider === null || !(await isToRevoke(deps, account))) return;
  try {
    // Only a live token can be revoked.
    const accessToken = await liveToken(deps, account, provider);
    const call = await beginRevocation(db, account.provider, {
      userId: account.userId,
      since: account.updatedAt,
    });
    if (call === null) throw notYet('Connecting', 'an account is being connected', 1000);
    // Creators who were connecting until now have stored their accounts.
    if (await isToRevoke(deps, account)) {
      const soon = AbortSignal.any([signal, AbortSignal.timeout(REVOKE_MS)]);
      await provider.oauth.revoke(accessToken, soon).catch(async (error: unknown) => {
        // Without an answer it may still take effect: the row delays connects until that is impossible.
        if (!(error instanceof ProviderError && error.lost)) await endGrantCall(db, call);
        throw error;
      });
    }
    await endGrantCall(db, call);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const passes = error.kind === 'unavailable' || error.kind === 'unknown';
    if (!passes || hasEnded(new Date(account.updatedAt.getTime() + REVOKE_FOR_MS))) return;
    throw error.lost ? notYet('NotAnswered', error.message, AFTER_LOST_MS) : tryAgain(error);
  }
}

/** Whether the account is still disconnected, with a live grant that no other account needs. */
async function isToRevoke(deps: Deps, { id }: Account): Promise<boolean> {
  const account = await loadAccount(deps, id);
  return (
    account.status === 'disconnected' &&
    account.accessTokenEncrypted !== null &&
    !hasEnded(account.refreshExpiresAt) &&
    !(await isInService(deps.db, { ...account, login: await loginOf(deps.db, account) }))
  );
}
