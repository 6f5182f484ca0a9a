import { and, eq } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import type { AccountLogin } from './provider-tables.ts';
import { tablesOf } from './registry.ts';
import { dataKeys, oauthAccounts } from './schema.ts';
import { accountKey, type StoredKey, type StoredTokens } from './tokens.ts';

/** The login of a grant, with its page's token still to be sealed. */
export interface NewLogin {
  id: string;
  page: {
    id: string;
    sealToken: (
      key: StoredKey,
      place: { table: string; column: string; row: string; version: number },
    ) => Promise<Uint8Array>;
  } | null;
}

export interface NewGrant {
  userId: string;
  provider: string;
  method: string | null;
  openId: string;
  username: string | null;
  displayName: string | null;
  scopes: readonly string[];
  metadata: Record<string, unknown>;
  /** Null: the account comes by itself. */
  login: NewLogin | null;
  /** The provider's seconds as absolute times; null if it sends none. */
  expiresAt: Date | null;
  refreshExpiresAt: Date | null;
  /** A fresh data key, in case the account has none yet. */
  key: StoredKey;
  /** Null: the key can no longer be unwrapped. */
  seal: (key: StoredKey, place: { id: string; tokenVersion: number }) => Promise<StoredTokens | null>;
}

/** Stores a creator's new grant in one transaction: a new account, or the same one again with its history. */
export async function saveGrant(db: Db, grant: NewGrant): Promise<Account> {
  return db.transaction(async (tx) => {
    const identity = { userId: grant.userId, provider: grant.provider, openId: grant.openId };
    const now = new Date();
    await tx
      .insert(oauthAccounts)
      .values({ ...identity, scope: [], connectedAt: now, tokenVersion: 0 })
      .onConflictDoNothing();
    const [account] = await tx
      .select()
      .from(oauthAccounts)
      .where(
        and(
          eq(oauthAccounts.userId, grant.userId),
          eq(oauthAccounts.provider, grant.provider),
          eq(oauthAccounts.openId, grant.openId),
        ),
      )
      .for('no key update');
    if (account === undefined) throw new Error('the account that was just inserted is gone');

    const place = { id: account.id, tokenVersion: account.tokenVersion + 1 };
    const { dataKeyId, tokens } = await sealGrant(tx, account, grant, place);
    const [saved] = await tx
      .update(oauthAccounts)
      .set({
        ...tokens,
        method: grant.method,
        dataKeyId,
        tokenVersion: place.tokenVersion,
        scope: [...grant.scopes],
        expiresAt: grant.expiresAt,
        refreshExpiresAt: grant.refreshExpiresAt,
        issuedAt: now,
        expiringSince: null,
        connectedAt: now,
        status: 'active',
        statusReason: null,
        username: grant.username ?? account.username,
        displayName: grant.displayName ?? account.displayName,
        metadata: { ...account.metadata, ...grant.metadata },
      })
      .where(eq(oauthAccounts.id, account.id))
      .returning();
    if (saved === undefined) throw new Error('the account that was just locked is gone');
    await noteConnected(tx, saved, grant.login);
    return saved;
  });
}

/** Has the provider's own tables take in the account and its login. */
async function noteConnected(tx: Db, account: Account, login: NewLogin | null): Promise<void> {
  const tables = tablesOf(account.provider);
  // A login that is not kept would let the end of one account end the others.
  if (login !== null && tables.logins === undefined)
    throw new Error(`${account.provider} names logins, but has no table that keeps them`);
  await tables.onConnected?.(tx, account, login === null ? null : await sealedLogin(tx, account, login));
}

async function sealedLogin(tx: Db, account: Account, { id, page }: NewLogin): Promise<AccountLogin> {
  if (page === null) return { id, page };
  const key = await accountKey(tx, account);
  const at = { row: account.id, version: account.tokenVersion };
  return { id, page: { id: page.id, sealToken: (place) => page.sealToken(key, { ...place, ...at }) } };
}

/** Seals with the account's data key; with the fresh one if the account has none, or none that can be unwrapped. */
async function sealGrant(
  tx: Db,
  account: Account,
  { key, seal }: NewGrant,
  place: { id: string; tokenVersion: number },
): Promise<{ dataKeyId: string | null; tokens: StoredTokens }> {
  if (account.dataKeyId !== null) {
    const tokens = await seal(await accountKey(tx, account), place);
    if (tokens !== null) return { dataKeyId: account.dataKeyId, tokens };
    // The key-encryption key is lost, and with it everything encrypted before. The creator has just brought new tokens.
  }
  const tokens = await seal(key, place);
  if (tokens === null) throw new Error('a fresh data key cannot be opened');
  const [row] = await tx
    .insert(dataKeys)
    .values({ kekId: key.keyId, wrapped: key.wrapped })
    .returning({ id: dataKeys.id });
  return { dataKeyId: row?.id ?? null, tokens };
}
