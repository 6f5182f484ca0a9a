import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../db/client.ts';
import { beginRevocation, endGrantCall, unlessRevoking } from '../db/grant-calls.ts';
import { databaseTime } from '../db/time.ts';
import { ProviderError } from '../providers/errors.ts';

/* Connecting and revoking, one after the other (db/grant-calls.ts says why). */

/** A revocation counts as under way for 15 s at most. */
const PATIENCE_MS = 16_000;
const ASK_EVERY_MS = 100;

/**
 * Runs `work` in a transaction when no revocation is under way at the provider.
 * @returns null: one was under way all the time
 */
export async function afterRevocations<T>(
  db: Db,
  provider: string,
  work: (tx: Db) => Promise<T>,
): Promise<T | null> {
  return patiently(PATIENCE_MS, () => unlessRevoking(db, provider, work));
}

/**
 * Revokes when nobody is connecting an account; does nothing where somebody is for too long.
 * @param userId whose grant it is
 * @param patienceMs how long to wait for those who are
 * @throws ProviderError of `revoke`
 */
export async function betweenConnects(
  db: Db,
  { provider, userId, patienceMs }: { provider: string; userId: string; patienceMs: number },
  revoke: () => Promise<void>,
): Promise<void> {
  const since = await databaseTime(db);
  const call = await patiently(patienceMs, () => beginRevocation(db, provider, { userId, since }));
  if (call === null) return;
  try {
    await revoke();
  } catch (error) {
    // It may take effect yet: the row stays until it cannot any more.
    if (error instanceof ProviderError && error.lost) throw error;
    await endGrantCall(db, call);
    throw error;
  }
  await endGrantCall(db, call);
}

async function patiently<T>(ms: number, ask: () => Promise<T | null>): Promise<T | null> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== null || Date.now() >= end) return answer;
    await sleep(ASK_EVERY_MS);
  }
}
