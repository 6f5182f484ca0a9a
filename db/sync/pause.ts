import { and, eq, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { syncStates } from '../schema.ts';

/** Pauses the streams of an account that is out of service: cursors stay. */
export async function pauseLines(
  db: Db,
  accountId: string,
  reason: 'disconnected' | 'reauth_required',
): Promise<void> {
  await db
    .update(syncStates)
    .set({ state: 'paused', reason, nextDueAt: null })
    .where(
      and(
        eq(syncStates.oauthAccountId, accountId),
        sql`${syncStates.state} <> 'unsupported'`,
        // It may have come back meanwhile.
        sql`exists (select from oauth_accounts a where a.id = ${accountId}::uuid and a.status = ${reason})`,
        sql`(${syncStates.state}, ${syncStates.reason}) is distinct from ('paused', ${reason})`,
      ),
    );
}
