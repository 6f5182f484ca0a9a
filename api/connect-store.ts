import type { FastifyRequest } from 'fastify';
import { EnvelopeError } from '../crypto/errors.ts';
import type { Envelope } from '../crypto/envelope.ts';
import { sealTokens } from '../crypto/tokens.ts';
import type { Account } from '../db/accounts.ts';
import { type NewLogin, saveGrant } from '../db/grants.ts';
import { endGrantCall } from '../db/grant-calls.ts';
import { isInService } from '../db/logins.ts';
import { takeQuotas } from '../db/quotas.ts';
import { type OAuthState, useConnectLink } from '../db/connect.ts';
import type { Provider } from '../providers/provider.ts';
import type { Grant, TokenSet } from '../providers/oauth.ts';
import { betweenConnects } from './connect-order.ts';
import type { Deadline } from './deadline.ts';
import type { Deps } from './deps.ts';

/** Revoking a useless grant, and waiting for others first, may delay the creator this long. */
const GIVE_BACK_MS = 5_000;

/**
 * Stores all accounts of a grant, or none; the link is used up in the same commit.
 * @returns null if another browser has already used it up
 */
export async function saveGrants(
  { database: { db }, envelope }: Deps,
  provider: Provider,
  state: OAuthState,
  grants: Grant[],
): Promise<Account[] | null> {
  const keys = await Promise.all(grants.map(() => envelope.newDataKey()));
  return db.transaction(async (tx) => {
    if (state.connectLinkId !== null && !(await useConnectLink(tx, state.connectLinkId))) return null;
    const accounts: Account[] = [];
    for (const [index, { tokens: granted, login, used = [], ...grant }] of grants.entries()) {
      const tokens = renewable(provider, granted);
      const key = keys[index];
      if (key === undefined) throw new Error('a grant has no data key');
      const account = await saveGrant(tx, {
        ...grant,
        userId: state.userId,
        provider: provider.name,
        method: provider.method ?? null,
        scopes: tokens.scopes,
        expiresAt: inSeconds(tokens.expiresIn),
        refreshExpiresAt: inSeconds(tokens.refreshExpiresIn),
        key,
        login: login === undefined ? null : newLogin(envelope, login),
        seal: (dataKey, place) => sealTokens(envelope, dataKey, place, tokens).catch(nullForLostKey),
      });
      await takeQuotas(tx, { accountId: account.id, postId: null }, used);
      accounts.push(account);
    }
    return accounts;
  });
}

/** Removes a refresh token that cannot be used, and the expiry of one that did not come. */
function renewable({ oauth }: Provider, tokens: TokenSet): TokenSet {
  return oauth.refresh === undefined || tokens.refreshToken === null
    ? { ...tokens, refreshToken: null, refreshExpiresIn: null }
    : tokens;
}

function newLogin(envelope: Envelope, { id, page }: NonNullable<Grant['login']>): NewLogin {
  if (page === undefined) return { id, page: null };
  return {
    id,
    page: { id: page.id, sealToken: (key, place) => envelope.seal(key, page.accessToken, place) },
  };
}

/**
 * Revokes a useless grant at the provider if it can be done in time, unless that would end another account's access.
 */
export async function giveBack(
  { database: { db } }: Deps,
  request: FastifyRequest,
  provider: Provider,
  { grants, exchange, userId, time }: { grants: Grant[]; exchange: string; userId: string; time: Deadline },
): Promise<void> {
  // Nothing of it is stored any more: revocations, this one included, need not wait for it.
  await endGrantCall(db, exchange);
  for (const { openId, tokens, login } of grants) {
    try {
      const patienceMs = time.left(GIVE_BACK_MS);
      await betweenConnects(db, { provider: provider.name, userId, patienceMs }, async () => {
        if (await isInService(db, { provider: provider.name, openId, login: login?.id ?? null })) return;
        await provider.oauth.revoke(tokens.accessToken, AbortSignal.timeout(time.left(GIVE_BACK_MS)));
      });
    } catch (error) {
      request.log.warn({ err: error }, 'a grant of no use was not revoked');
    }
  }
}

/** A data key that cannot be unwrapped is useless; any other error is worth another try. */
function nullForLostKey(error: unknown): null {
  if (error instanceof EnvelopeError) return null;
  throw error;
}

function inSeconds(seconds: number | null): Date | null {
  return seconds === null ? null : new Date(Date.now() + seconds * 1000);
}
