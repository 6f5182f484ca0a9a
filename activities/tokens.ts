import { WorkflowUpdateFailedError } from '@temporalio/client';
import { openAccessToken, openRefreshToken, sealTokens } from '../crypto/tokens.ts';
import { type Account, accountById, deactivate } from '../db/accounts.ts';
import { isRenewable, nextDue, warnOfEnd } from '../db/token-times.ts';
import { accountKey, replaceTokens, type StoredKey, wipeTokens } from '../db/tokens.ts';
import { audit } from '../db/audit.ts';
import { beginRevocation, endGrantCall } from '../db/grant-calls.ts';
import { isInService, loginOf } from '../db/logins.ts';
import { openPosts } from '../db/posts.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Provider } from '../providers/provider.ts';
import type { TokenSet } from '../providers/oauth.ts';
import type { TokenNext, TokenStanding } from '../temporal/contract.ts';
import { askForToken } from '../temporal/keepers.ts';
import { askToCancel, wakePost } from '../temporal/posts.ts';
import { DAY } from '../durations.ts';
import { alive, uninterruptedSignal } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet, tryAgain } from './failures.ts';

/** Reads, renews and ends an account's tokens; called by `keepTokenFresh` only, but for `renewToken`. */
export const createTokenActivities = (deps: Deps) => ({
  /** What is due next for the account's tokens, and in how many milliseconds from now; null: nothing, ever. */
  async tokenDue({ accountId }: { accountId: string }): Promise<TokenStanding & TokenNext> {
    const account = await load(deps, accountId);
    const due = nextDue(account);
    return {
      ...standing(account),
      due: due?.what ?? null,
      dueInMs: due === null ? null : Math.max(0, due.at.getTime() - Date.now()),
    };
  },

  /**
   * Does what is due for the token pair of this version: refreshes it, or, where nothing can renew it, warns of its end
   * and then ends the account. A pair that was replaced meanwhile is left alone.
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
      const account = await load(deps, accountId);
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
   * Ends our access at the provider, then forgets the tokens. A token that is dead already needs no revoking, and an
   * account that was connected again keeps what it has.
   */
  revokeAccount: ({ accountId }: { accountId: string }): Promise<void> =>
    alive(async (signal) => {
      const { db, envelope } = deps;
      const account = await load(deps, accountId);
      const ours = account.statusReason === 'disconnected_by_user';
      if (ours) await cancelPosts(deps, account.id);
      // Nobody asked to cancel them: they say themselves that the account is gone.
      else for (const post of await openPosts(db, account.id)) await wakePost(deps.temporal, post);
      if (ours) await revoke(deps, account, signal);
      if (account.dataKeyId !== null) envelope.forget(await accountKey(db, account));
      await wipeTokens(db, account.id);
    }),

  /** Tells an account's open posts to look at it again. */
  wakePosts: ({ accountId }: { accountId: string }): Promise<void> => wake(deps, accountId),

  /** For posts: waits until the account has another token than the one that was refused, or none will come. */
  renewToken: ({
    accountId,
    tokenVersion,
  }: {
    accountId: string;
    tokenVersion: number;
  }): Promise<TokenStanding> =>
    alive(async () => {
      const account = await load(deps, accountId);
      if (account.tokenVersion !== tokenVersion || account.status !== 'active') return standing(account);
      return askForToken(deps.temporal, account);
    }),
});

/** Stores a new token pair. @throws ProviderError `grant` when none will come any more */
async function refresh(deps: Deps, account: Account, provider: Provider): Promise<TokenStanding> {
  const { db } = deps;
  const key = await accountKey(db, account);
  const old = await refreshTokenOf(deps, account, key);
  // A refresh that is cut off halfway may have cost us the only good token: nothing but our own end stops it.
  const fresh = await renew(provider, old, uninterruptedSignal());
  if (fresh === null) return keepTokens(deps, account, key, old);
  const saved = await storeTokens(deps, account, key, fresh, old);
  const { userId, id: subject } = account;
  await audit(db, { userId, actor: 'system', action: 'token.refreshed', subject });
  // A refresh token may end on a fixed day, however often it is used.
  if (saved !== null && provider.oauth.renewsItself !== true) await warnOfEnd(db, saved);
  return standing(saved ?? (await load(deps, account.id)));
}

/** Nothing renews the tokens: the account is good until its access token ends, or is refused. */
async function keepUntilEnd(deps: Deps, account: Account, refused: boolean): Promise<TokenStanding> {
  if (refused || hasEnded(account.expiresAt)) return reauth(deps, account, whyEnded(account, refused));
  await warnOfEnd(deps.db, account);
  return standing(account);
}

function whyEnded({ refreshTokenEncrypted }: Account, refused: boolean): string {
  if (refreshTokenEncrypted !== null) return 'refresh_token_expired';
  return refused ? 'token_refused' : 'token_expired';
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
  // Connecting stores no refresh token then (api/connect-store.ts).
  if (oauth.refresh === undefined) throw new Error(`${name} renews no tokens`);
  return oauth.refresh(refreshToken, signal);
}

/** Time to answer a revocation, and the pause after one that was not answered: connects go on in between. */
const REVOKE_MS = 10_000;
const AFTER_LOST_MS = 30_000;
/** A provider that does not answer for as long keeps the permission; the tokens are wiped all the same. */
const REVOKE_FOR_MS = DAY;

/**
 * Revokes a disconnected account's tokens, where that ends nobody else's access and no newer one.
 * @throws ApplicationFailure while somebody connects, or the provider does not answer
 */
async function revoke(deps: Deps, account: Account, signal: AbortSignal): Promise<void> {
  const { db, providers } = deps;
  const provider = providers.find(account.provider, account.method);
  if (provider === null || !(await isToRevoke(deps, account))) return;
  try {
    const accessToken = await liveToken(deps, account, provider);
    const call = await beginRevocation(db, account.provider, {
      userId: account.userId,
      since: account.updatedAt,
    });
    if (call === null) throw notYet('Connecting', 'an account is being connected', 1000);
    // Whoever was connecting until now has stored the account.
    if (await isToRevoke(deps, account)) {
      const soon = AbortSignal.any([signal, AbortSignal.timeout(REVOKE_MS)]);
      await provider.oauth.revoke(accessToken, soon).catch(async (error: unknown) => {
        // Without an answer it may take effect yet: the row holds connects up until it cannot any more.
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

/** Whether the account is still disconnected, with a grant that lives and that nobody else needs. */
async function isToRevoke(deps: Deps, { id }: Account): Promise<boolean> {
  const account = await load(deps, id);
  return (
    account.status === 'disconnected' &&
    account.accessTokenEncrypted !== null &&
    !hasEnded(account.refreshExpiresAt) &&
    !(await isInService(deps.db, { ...account, login: await loginOf(deps.db, account) }))
  );
}

/** The account's access token, renewed where it has ended: only a live one can be revoked. */
async function liveToken(deps: Deps, account: Account, provider: Provider): Promise<string> {
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

/** @returns null when the account has changed since it was read */
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
const ASK_AGAIN_MS = 900_000;

/**
 * The provider renews nothing yet, and says that the tokens live. To whoever was refused with them they are as good as new
 * ones: under the next version they are tried once more.
 * @throws ApplicationFailure when it is time for others, and nobody was refused
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

async function load({ db }: Deps, accountId: string): Promise<Account> {
  const account = await accountById(db, accountId);
  if (account === null) throw new Error(`no account ${accountId}`);
  return account;
}

function standing({ status, tokenVersion }: Account): TokenStanding {
  return { status, tokenVersion };
}

function hasEnded(at: Date | null): boolean {
  return at !== null && at.getTime() <= Date.now();
}

/** @param seconds from now */
function inSeconds(seconds: number | null): Date | null {
  return seconds === null ? null : new Date(Date.now() + seconds * 1000);
}

/** Only where the row still holds the pair that was refused: another one may have been stored meanwhile. */
async function reauth(deps: Deps, account: Account, reason: string): Promise<TokenStanding> {
  const { tokenVersion } = account;
  const saved = await deactivate(deps.db, account.id, { status: 'reauth_required', reason, tokenVersion });
  if (saved !== null)
    await audit(deps.db, {
      userId: account.userId,
      actor: 'system',
      action: 'account.reauth_required',
      subject: account.id,
      details: { reason },
    });
  return standing(saved ?? (await load(deps, account.id)));
}

/** Posts that are past stopping go on waiting for their verdict. */
async function cancelPosts({ db, temporal }: Deps, accountId: string): Promise<void> {
  const cancelled = await Promise.allSettled(
    (await openPosts(db, accountId)).map((post) => askToCancel(temporal, post)),
  );
  for (const result of cancelled)
    if (result.status === 'rejected' && !(result.reason instanceof WorkflowUpdateFailedError))
      throw result.reason;
}

/** Tells the posts that were there before the creator's consent of it; later ones have seen it. */
async function wake(deps: Deps, accountId: string): Promise<void> {
  const { connectedAt } = await load(deps, accountId);
  for (const post of await openPosts(deps.db, accountId))
    // A consent gives nobody more room: to ask again would break the limit that is waited for.
    if (post.createdAt < connectedAt && post.state !== 'waiting_quota') await wakePost(deps.temporal, post);
}
