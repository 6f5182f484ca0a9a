import { openAccessToken, openRefreshToken, sealTokens } from '../crypto/tokens.ts';
import type { Account } from '../db/accounts.ts';
import { audit } from '../db/audit.ts';
import { nextDue, warnOfEnd } from '../db/token-times.ts';
import { accountKey, replaceTokens, type StoredKey } from '../db/tokens.ts';
import { MINUTE } from '../durations.ts';
import type { TokenSet } from '../providers/oauth.ts';
import type { Provider } from '../providers/provider.ts';
import type { TokenStanding } from '../temporal/contract.ts';
import { uninterruptedSignal } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet } from './failures.ts';
import { hasEnded, loadAccount, standing } from './loaded-account.ts';

/** Stores a new token pair. @throws ProviderError `grant` if no new one will come */
export async function refresh(deps: Deps, account: Account, provider: Provider): Promise<TokenStanding> {
  const { db } = deps;
  const key = await accountKey(db, account);
  const old = await refreshTokenOf(deps, account, key);
  // Interrupting a refresh may lose the only good token: only the end of our own process stops it.
  const fresh = await renew(provider, old, uninterruptedSignal());
  if (fresh === null) return keepTokens(deps, account, key, old);
  const saved = await storeTokens(deps, account, key, fresh, old);
  const { userId, id: subject } = account;
  await audit(db, { userId, actor: 'system', action: 'token.refreshed', subject });
  // A refresh token may end on a fixed day, however often it is used.
  if (saved !== null && provider.oauth.renewsItself !== true) await warnOfEnd(db, saved);
  return standing(saved ?? (await loadAccount(deps, account.id)));
}

/**
 * The account's access token, renewed if it has ended.
 * @throws ApplicationFailure if the account has just changed
 */
export async function liveToken(deps: Deps, account: Account, provider: Provider): Promise<string> {
  const { db, envelope } = deps;
  const { accessTokenEncrypted } = account;
  if (accessTokenEncrypted === null) throw notYet('Changed', 'the account has just changed', 1000);
  const key = await accountKey(db, account);
  const accessToken = await openAccessToken(envelope, key, account, accessTokenEncrypted);
  if (!hasEnded(account.expiresAt) || account.refreshTokenEncrypted === null) return accessToken;
  const old = await refreshTokenOf(deps, account, key);
  const fresh = await renew(provider, old, uninterruptedSignal());
  // The old pair may be dead now: the next try needs this one.
  if (fresh !== null && (await storeTokens(deps, account, key, fresh, old)) === null)
    throw notYet('Changed', 'the account has just changed', 1000);
  return fresh?.accessToken ?? accessToken;
}

async function refreshTokenOf({ envelope }: Deps, account: Account, key: StoredKey): Promise<string> {
  if (account.refreshTokenEncrypted === null) throw new Error('the account has no refresh token');
  return openRefreshToken(envelope, key, account, account.refreshTokenEncrypted);
}

function renew(
  { name, oauth }: Provider,
  refreshToken: string,
  signal: AbortSignal,
): Promise<TokenSet | null> {
  // In that case connecting stores no refresh token (api/connect-store.ts).
  if (oauth.refresh === undefined) throw new Error(`${name} renews no tokens`);
  return oauth.refresh(refreshToken, signal);
}

/** @returns null if the account has changed since it was read */
async function storeTokens(
  { db, envelope }: Deps,
  account: Account,
  key: StoredKey,
  fresh: TokenSet,
  old: string,
): Promise<Account | null> {
  const place = { id: account.id, tokenVersion: account.tokenVersion + 1 };
  // No refresh token in the answer: the old one stays (RFC 6749 section 6).
  const refreshToken = fresh.refreshToken ?? old;
  const sealed = await sealTokens(envelope, key, place, { accessToken: fresh.accessToken, refreshToken });
  return replaceTokens(db, account, {
    ...sealed,
    expiresAt: inSeconds(fresh.expiresIn),
    refreshExpiresAt: inSeconds(fresh.refreshExpiresIn) ?? account.refreshExpiresAt,
    issuedAt: new Date(),
    scopes: fresh.scopes,
  });
}

/** A provider that refuses is not called often. */
const ASK_AGAIN_MS = 15 * MINUTE;

/**
 * The provider renews nothing yet, and says that the tokens are valid. For a post whose call was refused they count as
 * new: under the next version it tries them once more.
 * @throws ApplicationFailure when others are due, and no call was refused
 */
async function keepTokens(
  { db, envelope }: Deps,
  account: Account,
  key: StoredKey,
  refreshToken: string,
): Promise<TokenStanding> {
  const due = nextDue(account);
  if (account.accessTokenEncrypted === null || hasEnded(due?.at ?? null))
    throw notYet('NotRenewed', 'the provider does not renew the token yet', ASK_AGAIN_MS);
  const accessToken = await openAccessToken(envelope, key, account, account.accessTokenEncrypted);
  const place = { id: account.id, tokenVersion: account.tokenVersion + 1 };
  const sealed = await sealTokens(envelope, key, place, { accessToken, refreshToken });
  const { expiresAt, refreshExpiresAt, issuedAt, expiringSince } = account;
  const saved = await replaceTokens(db, account, {
    ...sealed,
    expiresAt,
    refreshExpiresAt,
    issuedAt,
    expiringSince,
    scopes: [],
  });
  return standing(saved ?? account);
}

/** @param seconds from now */
function inSeconds(seconds: number | null): Date | null {
  return seconds === null ? null : new Date(Date.now() + seconds * 1000);
}
