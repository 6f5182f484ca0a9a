import { and, eq, ne } from 'drizzle-orm';
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

/** The other accounts in service that came with the same login, of all tenants. */
export async function othersOfLogin(db: Db, accountId: string): Promise<number> {
  const [mine] = await db
    .select({ login: instagramAccounts.facebookUserId })
    .from(instagramAccounts)
    .where(eq(instagramAccounts.oauthAccountId, accountId));
  if (mine?.login == null) return 0;
  const others = await db
    .select({ id: instagramAccounts.id })
    .from(instagramAccounts)
    .innerJoin(oauthAccounts, eq(oauthAccounts.id, instagramAccounts.oauthAccountId))
    .where(
      and(
        eq(instagramAccounts.facebookUserId, mine.login),
        ne(instagramAccounts.oauthAccountId, accountId),
        eq(oauthAccounts.status, 'active'),
      ),
    );
  return others.length;
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
