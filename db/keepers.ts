import { and, eq, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { oauthAccounts } from './schema.ts';

/*
 * Selects the accounts to compare with their token keepers. Meta renews no expired token, so a missing keeper must be
 * noticed long before.
 */

/**
 * When something is due at the earliest (`nextDue` in db/token-times.ts, with the largest spread of a refresh); null: never.
 */
const EARLIEST_DUE = sql`case
  when ${oauthAccounts.refreshTokenEncrypted} is not null and coalesce(${oauthAccounts.refreshExpiresAt} > now(), true)
    then ${oauthAccounts.expiresAt} - 1.5 * least(
      0.2 * (${oauthAccounts.expiresAt} - ${oauthAccounts.issuedAt}),
      case when ${oauthAccounts.expiresAt} - ${oauthAccounts.issuedAt} > interval '7 days'
        then interval '10.5 days' else interval '1 hour' end)
  when ${oauthAccounts.expiringSince} is null then ${oauthAccounts.expiresAt} - interval '7 days'
  else ${oauthAccounts.expiresAt} end`;

/**
 * Active accounts: first those whose refresh is due, then those with the oldest check. A few accounts are all checked
 * in each sweep; many take turns, but none is checked later than its refresh is due.
 */
export async function uncheckedKeepers(db: Db, limit: number): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(eq(oauthAccounts.status, 'active'))
    .orderBy(
      sql`coalesce(${EARLIEST_DUE} < now(), false) desc`,
      sql`${oauthAccounts.keeperCheckedAt} asc nulls first`,
    )
    .limit(limit);
}

/** Records that accounts were compared with their keepers. */
export async function markKeepersChecked(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .update(oauthAccounts)
    .set({ keeperCheckedAt: sql`now()`, updatedAt: oauthAccounts.updatedAt })
    .where(inArray(oauthAccounts.id, [...ids]));
}

/** Disconnected accounts whose tokens were not wiped. */
export async function unwipedAccounts(db: Db, limit: number): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(
      and(
        eq(oauthAccounts.status, 'disconnected'),
        isNotNull(oauthAccounts.accessTokenEncrypted),
        lt(oauthAccounts.updatedAt, sql`now() - interval '1 minute'`),
      ),
    )
    .limit(limit);
}
