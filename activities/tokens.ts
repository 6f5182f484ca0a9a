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

/** Reads, renews and ends an account's tokens. Only `keepTokenFresh` calls these activities, except `renewToken`. */
export const createTokenActivities = (deps: Deps) => ({
  /** The next action for the account's tokens, and in how many milliseconds it is due; null: never. */
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
   * Ends our access at the provider, then wipes the tokens. A dead token needs no revoking, and an account that was
   * reconnected keeps its tokens.
   */
  revokeAccount: ({ accountId }: { accountId: string }): Promise<void> =>
    alive(async (signal) => {
      const { db, envelope } = deps;
      const account = await load(deps, accountId);
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
      const account = await load(deps, accountId);
      if (account.tokenVersion !== tokenVersion || account.status !== 'active') return standing(account);
      return askForToken(deps.temporal, account);
    }),
});

/** Stores a new token pair. @throws ProviderError `grant` if no new one will come */
async function refresh(deps: Deps, account: Account, provider: Provider): Promise<TokenStanding> {
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
  return standing(saved ?? (await load(deps, account.id)));
}

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

/** The time for a revocation's answer, and the pause after a missing one, in which creators can connect. */
const REVOKE_MS = 10_000;
const AFTER_LOST_MS = 30_000;
/** If the provider does not answer for this long, it keeps the permission; the tokens are wiped anyway. */
const REVOKE_FOR_MS = DAY;

/**
 * Revokes a disconnected account's tokens, unless that would end another account's access or a newer grant.
 * @throws ApplicationFailure while a creator is connecting, or the provider does not answer
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
  const account = await load(deps, id);
  return (
    account.status === 'disconnected' &&
    account.accessTokenEncrypted !== null &&
    !hasEnded(account.refreshExpiresAt) &&
    !(await isInService(deps.db, { ...account, login: await loginOf(deps.db, account) }))
  );
}

/** The account's access token, renewed if it has ended: only a live one can be revoked. */
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
const ASK_AGAIN_MS = 900_000;

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

/** Only if the row still holds the refused pair: another one may have been stored meanwhile. */
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
  const { connectedAt } = await load(deps, accountId);
  for (const post of await openPosts(deps.db, accountId))
    // A consent does not raise a limit: trying again would break the limit that the post waits for.
    if (post.createdAt < connectedAt && post.state !== 'waiting_quota') await wakePost(deps.temporal, post);
}
