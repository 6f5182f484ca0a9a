import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../db/client.ts';
import { beginRevocation, endGrantCall, unlessRevoking } from '../db/grant-calls.ts';
import { databaseTime } from '../db/time.ts';
import { ProviderError } from '../providers/errors.ts';

/* Keeps connecting and revoking apart (db/grant-calls.ts has the reasons). */

/** A revocation counts as in progress for at most 15 s. */
const PATIENCE_MS = 16_000;
const ASK_EVERY_MS = 100;

/**
 * Runs `work` in a transaction when no revocation is in progress at the provider.
 * @returns null: one was in progress all the time
 */
export async function afterRevocations<T>(
  db: Db,
  provider: string,
  work: (tx: Db) => Promise<T>,
): Promise<T | null> {
  return patiently(PATIENCE_MS, () => unlessRevoking(db, provider, work));
}

/**
 * Revokes when no creator is connecting an account; gives up if one is for too long.
 * @param userId the owner of the grant
 * @param patienceMs how long to wait for those who are connecting
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
    // It may still take effect: the row stays until that is impossible.
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
