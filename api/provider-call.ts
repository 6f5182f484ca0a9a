import { openAccessToken } from '../crypto/tokens.ts';
import { type Account, findAccount } from '../db/accounts.ts';
import { accountKey } from '../db/tokens.ts';
import { noteTold, reserveQuotas } from '../db/quotas.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Quota, ToldQuota } from '../providers/quotas.ts';
import { askForToken } from '../temporal/keepers.ts';
import type { Deps } from './deps.ts';
import { ApiError, apiError } from './errors.ts';
import { quotaExceeded } from './quotas.ts';
import { textOrNull } from './schemas.ts';
import { ask } from './temporal.ts';

const CALL_MS = 15_000;
const RENEW_MS = 15_000;

/** For routes that call a provider: at most two calls, with a refresh in between. */
export const PROVIDER_ROUTE_MS = 2 * CALL_MS + RENEW_MS + 5_000;

/** A provider call on behalf of an account. */
export type ProviderCall<T> = (accessToken: string, signal: AbortSignal) => Promise<T>;

/**
 * Calls a provider with an account's token; if the token is refused, requests one refresh and calls again.
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

/** The same, without waiting for a new token. @param ms the time limit */
export async function callOnce<T>(
  { database: { db }, envelope }: Deps,
  account: Account,
  call: ProviderCall<T>,
  ms = CALL_MS,
): Promise<T> {
  if (account.status !== 'active' || account.accessTokenEncrypted === null) throw refusedAccount(account);
  const token = await openAccessToken(
    envelope,
    await accountKey(db, account),
    account,
    account.accessTokenEncrypted,
  );
  return call(token, AbortSignal.timeout(ms));
}

/**
 * Takes one unit of a quota before the call that counts against it.
 * @throws ApiError `quota_exceeded` with the time to try again
 */
export async function takeQuota({ database: { db } }: Deps, account: Account, quota: Quota): Promise<void> {
  const full = await reserveQuotas(db, { accountId: account.id }, [quota]);
  if (full !== null) throw quotaExceeded(full);
}

/**
 * Asks the provider for the account's quotas and records the answer in the ledger.
 * @returns null if this provider has no such call
 * @throws ApiError, ProviderError as `callProvider` does
 */
export async function askQuotas(
  deps: Deps,
  account: Account,
  call: typeof callProvider<ToldQuota[]> = callProvider,
): Promise<ToldQuota[] | null> {
  const provider = deps.providers.find(account.provider, account.method);
  const limits = provider?.limits;
  if (provider === null || limits === undefined) return null;
  const of = { openId: account.openId, scopes: account.scope };
  const told = await call(deps, account, (accessToken, signal) => limits(of, accessToken, signal));
  await noteTold(deps.database.db, { accountId: account.id, postId: null }, provider.publishing.quotas, told);
  return told;
}

/**
 * Updates the ledger from the provider before accepting a post that may not wait. If the provider does not answer,
 * assume there is room.
 * @throws ApiError `quota_exceeded` while the provider accepts no calls for the account
 */
export async function freshenQuotas(deps: Deps, userId: string, accountId: string): Promise<void> {
  const account = await findAccount(deps.database.db, userId, accountId);
  if (account === null) return;
  const ms = (account.callsRefusedUntil?.getTime() ?? 0) - Date.now();
  if (ms > 0)
    throw apiError('quota_exceeded', {
      details: {
        quota: 'rate_limited',
        limit: null,
        used: null,
        remaining: null,
        resetAt: textOrNull(account.callsRefusedUntil),
      },
      retryAfterMs: Math.max(1000, ms),
    });
  try {
    await askQuotas(deps, account, (...asked) => callOnce(...asked, QUICK_MS));
  } catch (error) {
    if (!(error instanceof ProviderError || error instanceof ApiError)) throw error;
  }
}
/** Short, because a client is waiting. */
const QUICK_MS = 3_000;

/** Why an inactive account cannot be used. */
export function refusedAccount({ status, statusReason }: Account) {
  const details = { status, statusReason };
  return status === 'disconnected'
    ? apiError('account_disconnected', { details })
    : apiError('reauth_required', { details });
}
