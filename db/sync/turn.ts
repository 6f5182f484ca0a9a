import { eq, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { type AccountStatus, oauthAccounts } from '../schema.ts';

/**
 * Makes the writers of an account's copies take turns until the transaction ends: pages, webhooks, actions, and the end
 * of the account itself. It is the first lock of such a transaction, so that no two of them wait for each other. It is
 * no lock of the account's row, for which a publish would wait.
 * @returns the account's status; null: there is no such account
 */
export async function takeTurn(tx: Db, accountId: string): Promise<AccountStatus | null> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`copies ${accountId}`}, 0))`);
  // A statement of its own: it sees what the previous turn has committed.
  const [account] = await tx
    .select({ status: oauthAccounts.status })
    .from(oauthAccounts)
    .where(eq(oauthAccounts.id, accountId));
  return account?.status ?? null;
}
