import { and, eq, isNotNull } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { tablesOf } from './registry.ts';
import { dataKeys, oauthAccounts } from './schema.ts';

/** A data key as it is stored: only the key-encryption key can open it. */
export interface StoredKey {
  keyId: string;
  wrapped: Uint8Array;
}

/** A sealed token pair, ready to be stored under one token version. */
export interface StoredTokens {
  accessTokenEncrypted: Uint8Array;
  refreshTokenEncrypted: Uint8Array | null;
}

/** The account's data key. @throws Error if it has none: its tokens were wiped */
export async function accountKey(db: Db, { dataKeyId }: Account): Promise<StoredKey> {
  const [key] = dataKeyId === null ? [] : await db.select().from(dataKeys).where(eq(dataKeys.id, dataKeyId));
  if (key === undefined) throw new Error('the account has no data key');
  return { keyId: key.kekId, wrapped: key.wrapped };
}

/**
 * Replaces the token pair if it is still the one of `account.tokenVersion`, and the account's status is unchanged.
 * @param tokens sealed for the next version; without a new refresh token the caller has sealed the old one again. With
 *   `expiringSince` it is the old pair once more, and the warning of its end stays.
 * @returns null if another process was first
 */
export async function replaceTokens(
  db: Db,
  account: Account,
  tokens: StoredTokens &
    Pick<Account, 'expiresAt' | 'refreshExpiresAt' | 'issuedAt'> &
    Partial<Pick<Account, 'expiringSince'>> & { scopes: readonly string[] },
): Promise<Account | null> {
  const { scopes, ...columns } = tokens;
  const [saved] = await db
    .update(oauthAccounts)
    .set({
      expiringSince: null,
      ...columns,
      ...(scopes.length > 0 ? { scope: [...scopes] } : {}),
      tokenVersion: account.tokenVersion + 1,
      // It shows since when an account is out of service.
      ...(account.status === 'active' ? {} : { updatedAt: account.updatedAt }),
    })
    .where(
      and(
        eq(oauthAccounts.id, account.id),
        eq(oauthAccounts.tokenVersion, account.tokenVersion),
        eq(oauthAccounts.status, account.status),
        isNotNull(oauthAccounts.dataKeyId),
      ),
    )
    .returning();
  return saved ?? null;
}

/**
 * Removes tokens and data key of an account that is out of service; anything else encrypted with the key is lost for
 * good.
 */
export async function wipeTokens(db: Db, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    const [account] = await tx
      .select()
      .from(oauthAccounts)
      .where(eq(oauthAccounts.id, id))
      .for('no key update');
    if (account === undefined || account.status !== 'disconnected') return;
    await tx
      .update(oauthAccounts)
      .set({ accessTokenEncrypted: null, refreshTokenEncrypted: null, dataKeyId: null })
      .where(eq(oauthAccounts.id, id));
    await tablesOf(account.provider).onTokensWiped?.(tx, id);
    if (account.dataKeyId !== null) await tx.delete(dataKeys).where(eq(dataKeys.id, account.dataKeyId));
  });
}
