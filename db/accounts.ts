import { createHash } from 'node:crypto';
import { and, desc, eq, exists, gt, inArray, isNotNull, lt, ne, notExists, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { type Page, after } from './page.ts';
import {
  type AccountStatus,
  dataKeys,
  instagramAccounts,
  oauthAccounts,
  posts,
  publishAttempts,
} from './schema.ts';

export type Account = typeof oauthAccounts.$inferSelect;
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

export interface NewGrant {
  userId: string;
  provider: string;
  method: string | null;
  openId: string;
  username: string | null;
  displayName: string | null;
  scopes: readonly string[];
  metadata: Record<string, unknown>;
  /** Absolute times of the provider's seconds; null where it tells none. */
  expiresAt: Date | null;
  refreshExpiresAt: Date | null;
  /** A fresh data key, used where the account has none yet. */
  key: StoredKey;
  /** Null: the key cannot be opened any more. */
  seal: (key: StoredKey, place: { id: string; tokenVersion: number }) => Promise<StoredTokens | null>;
}

/**
 * Stores what a creator has just granted: a new account, or the same one again with its history. One transaction.
 */
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
      .for('update');
    if (account === undefined) throw new Error('the account that was just inserted is gone');

    const place = { id: account.id, tokenVersion: account.tokenVersion + 1 };
    const { dataKeyId, tokens } = await sealed(tx, account, grant, place);
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
    return saved;
  });
}

/** With the account's data key; with the fresh one where it has none, or none that can still be opened. */
async function sealed(
  tx: Db,
  account: Account,
  { key, seal }: NewGrant,
  place: { id: string; tokenVersion: number },
): Promise<{ dataKeyId: string | null; tokens: StoredTokens }> {
  if (account.dataKeyId !== null) {
    const tokens = await seal(await accountKey(tx, account), place);
    if (tokens !== null) return { dataKeyId: account.dataKeyId, tokens };
    // Its key-encryption key is lost, and with it what was encrypted before. The creator has just brought new tokens.
  }
  const tokens = await seal(key, place);
  if (tokens === null) throw new Error('a fresh data key cannot be opened');
  const [row] = await tx
    .insert(dataKeys)
    .values({ kekId: key.keyId, wrapped: key.wrapped })
    .returning({ id: dataKeys.id });
  return { dataKeyId: row?.id ?? null, tokens };
}

/** A tenant's account; also a disconnected one. */
export async function findAccount(db: Db, userId: string, id: string): Promise<Account | null> {
  const [account] = await db
    .select()
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.userId, userId), eq(oauthAccounts.id, id)));
  return account ?? null;
}

/** Any tenant's account, for workflows and operators. */
export async function accountById(db: Db, id: string): Promise<Account | null> {
  const [account] = await db.select().from(oauthAccounts).where(eq(oauthAccounts.id, id));
  return account ?? null;
}

/** Newest first, without those that are disconnected. */
export async function listAccounts(db: Db, userId: string, page: Page): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(
      and(
        eq(oauthAccounts.userId, userId),
        ne(oauthAccounts.status, 'disconnected'),
        after(page, oauthAccounts.createdAt, oauthAccounts.id),
      ),
    )
    .orderBy(desc(oauthAccounts.createdAt), desc(oauthAccounts.id))
    .limit(page.limit + 1);
}

/** The accounts, of all tenants, that belong to one person at a provider. */
export async function accountsOf(db: Db, provider: string, openId: string): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.provider, provider), eq(oauthAccounts.openId, openId)));
}

/** The account's data key. @throws Error when it has none: its tokens were wiped */
export async function accountKey(db: Db, { dataKeyId }: Account): Promise<StoredKey> {
  const [key] = dataKeyId === null ? [] : await db.select().from(dataKeys).where(eq(dataKeys.id, dataKeyId));
  if (key === undefined) throw new Error('the account has no data key');
  return { keyId: key.kekId, wrapped: key.wrapped };
}

/**
 * Replaces the token pair, if it is still the one of `account.tokenVersion`, and the account in or out of service as it was.
 * @param tokens sealed for the next version; without a refresh token the caller has sealed the old one again
 * @returns null when somebody else was first
 */
export async function replaceTokens(
  db: Db,
  account: Account,
  tokens: StoredTokens &
    Pick<Account, 'expiresAt' | 'refreshExpiresAt' | 'issuedAt'> & { scopes: readonly string[] },
): Promise<Account | null> {
  const { scopes, ...columns } = tokens;
  const [saved] = await db
    .update(oauthAccounts)
    .set({
      ...columns,
      ...(scopes.length > 0 ? { scope: [...scopes] } : {}),
      tokenVersion: account.tokenVersion + 1,
      // It tells since when an account is out of service.
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
 * Takes an active account out of service.
 * @param tokenVersion only if the pair is still this one
 * @param before only if the creator's last consent is older than this
 */
export async function deactivate(
  db: Db,
  id: string,
  to: { status: Exclude<AccountStatus, 'active'>; reason: string; tokenVersion?: number; before?: Date },
): Promise<Account | null> {
  const [saved] = await db
    .update(oauthAccounts)
    // By the database's clock: it is compared with when consent pages were opened.
    .set({ status: to.status, statusReason: to.reason, updatedAt: sql`now()` })
    .where(
      and(
        eq(oauthAccounts.id, id),
        ne(oauthAccounts.status, 'disconnected'),
        to.tokenVersion === undefined ? undefined : eq(oauthAccounts.tokenVersion, to.tokenVersion),
        // Providers tell whole seconds.
        to.before === undefined
          ? undefined
          : sql`date_trunc('second', ${oauthAccounts.connectedAt}) <= ${to.before.toISOString()}`,
      ),
    )
    .returning();
  return saved ?? null;
}

/** A tenant disconnects an account; the tokens are wiped by `wipeTokens` once they have been revoked. */
export async function markDisconnected(db: Db, userId: string, id: string): Promise<Account | null> {
  const account = await findAccount(db, userId, id);
  if (account === null) return null;
  return (await deactivate(db, id, { status: 'disconnected', reason: 'disconnected_by_user' })) ?? account;
}

/** Removes tokens and data key of an account that is out of service; what was encrypted with the key is lost for good. */
export async function wipeTokens(db: Db, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    const [account] = await tx.select().from(oauthAccounts).where(eq(oauthAccounts.id, id)).for('update');
    if (account === undefined || account.status !== 'disconnected') return;
    await tx
      .update(oauthAccounts)
      .set({ accessTokenEncrypted: null, refreshTokenEncrypted: null, dataKeyId: null })
      .where(eq(oauthAccounts.id, id));
    await tx
      .update(instagramAccounts)
      .set({ pageAccessTokenEncrypted: null })
      .where(eq(instagramAccounts.oauthAccountId, id));
    if (account.dataKeyId !== null) await tx.delete(dataKeys).where(eq(dataKeys.id, account.dataKeyId));
  });
}

/** Accounts that were connected again while posts wait for them, which nobody could tell. (After an hour these ask by themselves.) */
export async function unnoticedReturns(db: Db, limit: number): Promise<Account[]> {
  const tried = db
    .select({ one: sql`1` })
    .from(publishAttempts)
    .where(
      and(eq(publishAttempts.postId, posts.id), gt(publishAttempts.createdAt, oauthAccounts.connectedAt)),
    );
  const waiting = db
    .select({ one: sql`1` })
    .from(posts)
    .where(
      and(
        eq(posts.oauthAccountId, oauthAccounts.id),
        or(
          and(
            inArray(posts.state, ['transferring', 'processing']),
            sql`${posts.phase} is distinct from 'reconciling'`,
            lt(posts.updatedAt, oauthAccounts.connectedAt),
          ),
          // It may have been read before, and noted after; what has tried since then waits for something else.
          and(
            eq(posts.state, 'waiting_account'),
            lt(posts.updatedAt, sql`${oauthAccounts.connectedAt} + interval '1 minute'`),
            notExists(tried),
          ),
        ),
      ),
    );
  return db
    .select()
    .from(oauthAccounts)
    .where(
      and(
        eq(oauthAccounts.status, 'active'),
        gt(oauthAccounts.connectedAt, sql`now() - interval '1 hour'`),
        lt(oauthAccounts.connectedAt, sql`now() - interval '10 seconds'`),
        exists(waiting),
      ),
    )
    .limit(limit);
}

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const LEAST_MS = 30_000;

/**
 * When the token pair should be refreshed: a fifth of its life (at most an hour, or ten days of a long life) before its end, and a little earlier
 * by an amount that differs from account to account, so that accounts connected together do not refresh together.
 * @returns null when the access token does not expire
 */
export function refreshDueAt({ id, tokenVersion, issuedAt, expiresAt }: Account): Date | null {
  if (expiresAt === null) return null;
  const life = expiresAt.getTime() - (issuedAt ?? expiresAt).getTime();
  // A token of two months can wait for its provider for days.
  const margin = Math.min(life * 0.2, life > WEEK_MS ? 1.5 * WEEK_MS : HOUR_MS);
  const spread = createHash('sha256').update(`${id}:${tokenVersion}`).digest().readUInt32BE() / 2 ** 32;
  const due = expiresAt.getTime() - margin - spread * margin * 0.5;
  // However short a life the provider gives it, a token is not refreshed twice in a row.
  return new Date(Math.max(due, (issuedAt ?? expiresAt).getTime() + LEAST_MS));
}

/** Notes until when the provider refuses every call for the account. */
export async function noteRefusedCalls(db: Db, id: string, until: Date): Promise<void> {
  await db.update(oauthAccounts).set({ callsRefusedUntil: until }).where(eq(oauthAccounts.id, id));
}
