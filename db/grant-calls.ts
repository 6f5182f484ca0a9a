import { and, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import { HOUR } from '../durations.ts';
import type { Db } from './client.ts';
import { grantCalls, oauthStates } from './schema.ts';

/*
 * Orders the calls that make grants and the calls that end them. Revoking one token ends a person's whole grant for our
 * app, including newer logins, and the person is only known after the code exchange. So at each provider no code is
 * exchanged during a revocation, and nothing is revoked during a code exchange or while a creator who came after the
 * disconnection is on the consent page. A row expires by itself, because its process may die.
 */

/** How long a revocation may still take effect at the provider after it was sent. */
const REVOCATION_MS = 15_000;
/**
 * The longest time that abandoned consent pages delay a revocation after the disconnection; other tenants' pages far
 * less.
 */
const HELD_UP_MS = HOUR;
const HELD_UP_BY_OTHERS_MS = 8_000;
/**
 * Runs `work` in a transaction, unless a revocation is in progress at the provider. None begins before the commit.
 * @returns null if one is in progress: try again soon
 */
export async function unlessRevoking<T>(
  db: Db,
  provider: string,
  work: (tx: Db) => Promise<T>,
): Promise<T | null> {
  return db.transaction(async (tx) => {
    await lockGrants(tx, provider);
    return (await isUnderWay(tx, provider, 'revocation')) ? null : work(tx);
  });
}

/**
 * Records that a code exchange is in progress. @param ms the longest time until its account is stored
 * @returns the argument for {@link endGrantCall}
 */
export async function noteExchange(tx: Db, provider: string, ms: number): Promise<string> {
  return insertCall(tx, provider, 'exchange', ms);
}

/**
 * Records that a revocation is about to be sent.
 * @param userId the account's owner
 * @param since when the account was disconnected, by the database's clock, which the consent pages use too
 * @returns the argument for {@link endGrantCall}; null if somebody is connecting an account: try again soon
 */
export async function beginRevocation(
  db: Db,
  provider: string,
  { userId, since }: { userId: string; since: Date },
): Promise<string | null> {
  return db.transaction(async (tx) => {
    await lockGrants(tx, provider);
    if (await isUnderWay(tx, provider, 'exchange')) return null;
    if (await isConsenting(tx, provider, { userId, since })) return null;
    return insertCall(tx, provider, 'revocation', REVOCATION_MS);
  });
}

/** Ends a call once it is answered: from now on it changes no grant. */
export async function endGrantCall(db: Db, id: string): Promise<void> {
  await db.delete(grantCalls).where(eq(grantCalls.id, id));
}

async function lockGrants(tx: Db, provider: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`grants:${provider}`}, 0))`);
  await tx.delete(grantCalls).where(lt(grantCalls.expiresAt, sql`now()`));
}

async function isUnderWay(tx: Db, provider: string, kind: 'exchange' | 'revocation'): Promise<boolean> {
  const [call] = await tx
    .select({ id: grantCalls.id })
    .from(grantCalls)
    .where(and(eq(grantCalls.provider, provider), eq(grantCalls.kind, kind)))
    .limit(1);
  return call !== undefined;
}

/** Whether a creator who opened the consent page since then may still be on it, or on the way back. */
async function isConsenting(
  tx: Db,
  provider: string,
  { userId, since }: { userId: string; since: Date },
): Promise<boolean> {
  const waited = Date.now() - since.getTime();
  if (waited > HELD_UP_MS) return false;
  const [open] = await tx
    .select({ id: oauthStates.id })
    .from(oauthStates)
    .where(
      and(
        eq(oauthStates.provider, provider),
        waited > HELD_UP_BY_OTHERS_MS ? eq(oauthStates.userId, userId) : undefined,
        isNull(oauthStates.usedAt),
        gt(oauthStates.expiresAt, sql`now()`),
        gt(oauthStates.createdAt, since),
      ),
    )
    .limit(1);
  return open !== undefined;
}

async function insertCall(
  tx: Db,
  provider: string,
  kind: 'exchange' | 'revocation',
  ms: number,
): Promise<string> {
  const expiresAt = sql`now() + ${ms} * interval '1 millisecond'`;
  const [call] = await tx.insert(grantCalls).values({ provider, kind, expiresAt }).returning();
  if (call === undefined) throw new Error('the call that was just inserted is gone');
  return call.id;
}
