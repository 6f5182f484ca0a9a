import { and, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import { HOUR } from '../durations.ts';
import type { Db } from './client.ts';
import { grantCalls, oauthStates } from './schema.ts';

/*
 * Orders what makes grants and what ends them. To revoke one token ends the whole grant of a person for our app, newer
 * logins included (tiktok-facts 2.6, instagram-facts 2.6), and whose login it is, is known only after the code was exchanged.
 * So at one provider no code is exchanged while a revocation is under way, and none is revoked while a code is exchanged
 * or while a creator who came after the disconnection is on the consent page. A row ends by itself: its process may die.
 */

/** How long a revocation may still take effect at the provider after it was sent. */
const REVOCATION_MS = 15_000;
/** Abandoned consent pages do not hold a revocation up for longer after the disconnection, other tenants' far less. */
const HELD_UP_MS = HOUR;
const HELD_UP_BY_OTHERS_MS = 8_000;
/**
 * Runs `work` in a transaction, unless a revocation is under way at the provider; none begins before it is committed.
 * @returns null: one is under way, ask again soon
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
 * Notes that a code is being exchanged. @param ms how long it may take until its account is stored
 * @returns what {@link endGrantCall} needs
 */
export async function noteExchange(tx: Db, provider: string, ms: number): Promise<string> {
  return insertCall(tx, provider, 'exchange', ms);
}

/**
 * Notes that a revocation is about to be sent.
 * @param userId whose account it is
 * @param since when the account was disconnected, by the clock of the database, as that of the consent pages is
 * @returns what {@link endGrantCall} needs; null: somebody is connecting an account, ask again soon
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

/** The call has been answered: it changes no grant any more. */
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

/** Whether a creator may be on the consent page, or on the way back, who went there since then. */
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
