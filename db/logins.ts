import { and, eq } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { instagramAccounts, oauthAccounts } from './schema.ts';

/* Accounts of which several come with one login: Instagram's, which lie behind the Pages of one Facebook user. */

/** Stores what an Instagram account has beyond others; the same account again is the same row. */
export async function saveInstagramAccount(
  db: Db,
  row: typeof instagramAccounts.$inferInsert,
): Promise<void> {
  await db
    .insert(instagramAccounts)
    .values(row)
    .onConflictDoUpdate({ target: [instagramAccounts.userId, instagramAccounts.igBusinessId], set: row });
}

/** The login that an account came with; null where there is none. */
export async function loginOf(db: Db, accountId: string): Promise<string | null> {
  const [row] = await db
    .select({ login: instagramAccounts.facebookUserId })
    .from(instagramAccounts)
    .where(eq(instagramAccounts.oauthAccountId, accountId));
  return row?.login ?? null;
}

/**
 * Whether an account of the same login, or of the same person where there are no logins, is in service with any tenant: to
 * revoke one access ends them all.
 */
export async function isInService(
  db: Db,
  { provider, openId, login }: { provider: string; openId: string; login: string | null },
): Promise<boolean> {
  const active = await db
    .select({ id: oauthAccounts.id })
    .from(oauthAccounts)
    .leftJoin(instagramAccounts, eq(instagramAccounts.oauthAccountId, oauthAccounts.id))
    .where(
      and(
        eq(oauthAccounts.provider, provider),
        eq(oauthAccounts.status, 'active'),
        login === null ? eq(oauthAccounts.openId, openId) : eq(instagramAccounts.facebookUserId, login),
      ),
    )
    .limit(1);
  return active.length > 0;
}

/** The accounts, of all tenants, that came with a login. */
export async function accountsOfLogin(db: Db, provider: string, login: string): Promise<Account[]> {
  const rows = await db
    .select({ account: oauthAccounts })
    .from(oauthAccounts)
    .innerJoin(instagramAccounts, eq(instagramAccounts.oauthAccountId, oauthAccounts.id))
    .where(and(eq(instagramAccounts.facebookUserId, login), eq(oauthAccounts.provider, provider)));
  return rows.map(({ account }) => account);
}
