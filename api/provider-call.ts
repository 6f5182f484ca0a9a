import { openAccessToken } from '../crypto/tokens.ts';
import { type Account, accountKey, findAccount } from '../db/accounts.ts';
import { reserveQuotas } from '../db/quotas.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Quota } from '../providers/provider.ts';
import { askForToken } from '../workflows/start.ts';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { quotaExceeded } from './quotas.ts';
import { ask } from './temporal.ts';

const CALL_MS = 15_000;
const RENEW_MS = 15_000;

/** For routes that call a provider: at most two calls and a refresh between them. */
export const PROVIDER_ROUTE_MS = 2 * CALL_MS + RENEW_MS + 5_000;

/** A provider call on behalf of an account. */
export type ProviderCall<T> = (accessToken: string, signal: AbortSignal) => Promise<T>;

/**
 * Calls a provider with an account's token; when the token is refused, has it renewed once.
 * @throws ApiError `reauth_required`, `account_disconnected`
 * @throws ProviderError
 */
export async function callProvider<T>(deps: Deps, account: Account, call: ProviderCall<T>): Promise<T> {
  try {
    return await callOnce(deps, account, call);
  } catch (error) {
    if (!(error instanceof ProviderError && error.kind === 'token')) throw error;
  }
  await ask(deps.temporal, () => askForToken(deps.temporal, account), RENEW_MS);
  const renewed = await findAccount(deps.database.db, account.userId, account.id);
  if (renewed === null || renewed.tokenVersion === account.tokenVersion)
    throw refusedAccount(renewed ?? account);
  return callOnce(deps, renewed, call);
}

/** The same, without waiting for a new token. */
export async function callOnce<T>(
  { database: { db }, envelope }: Deps,
  account: Account,
  call: ProviderCall<T>,
): Promise<T> {
  if (account.status !== 'active' || account.accessTokenEncrypted === null) throw refusedAccount(account);
  const token = await openAccessToken(
    envelope,
    await accountKey(db, account),
    account,
    account.accessTokenEncrypted,
  );
  return call(token, AbortSignal.timeout(CALL_MS));
}

/**
 * Takes one from a quota, before a call that counts for it.
 * @throws ApiError `quota_exceeded` with when to try again
 */
export async function takeQuota({ database: { db } }: Deps, account: Account, quota: Quota): Promise<void> {
  const full = await reserveQuotas(db, { accountId: account.id }, [quota]);
  if (full !== null) throw quotaExceeded(full);
}

/** Why an account that is not active cannot be used. */
export function refusedAccount({ status, statusReason }: Account) {
  const details = { status, statusReason };
  return status === 'disconnected'
    ? apiError('account_disconnected', { details })
    : apiError('reauth_required', { details });
}
