import { eq } from 'drizzle-orm';
import type { Db } from '../client.ts';
import type { ProviderTables } from '../provider-tables.ts';
import {
  accountInsights,
  accountProfiles,
  changes,
  commentActions,
  mediaInsights,
  syncStates,
  syncSubjects,
} from '../schema.ts';

const OF_ACCOUNTS = [
  syncStates,
  syncSubjects,
  mediaInsights,
  accountInsights,
  accountProfiles,
  commentActions,
  changes,
] as const;

/**
 * Deletes all copies of an account's data, and how far they were read. `api_usage` holds numbers only, and stays. A page
 * that was asked for before finds its account out of service, and is dropped. The caller has the account's turn.
 */
export async function forgetCopies(
  tx: Db,
  accountId: string,
  copies: ProviderTables['copies'],
): Promise<void> {
  for (const table of OF_ACCOUNTS) await tx.delete(table).where(eq(table.oauthAccountId, accountId));
  if (copies === undefined) return;
  if (copies.comments !== undefined)
    await tx.delete(copies.comments.table).where(copies.comments.ofAccount(accountId));
  await tx.delete(copies.media.table).where(copies.media.ofAccount(accountId));
}
