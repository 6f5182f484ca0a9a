import { and, eq } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { tablesOf } from './registry.ts';
import { oauthAccounts } from './schema.ts';

/* Several accounts may come with one login, such as those behind the pages of one person. */

/** The login that an account came with; null where there is none. */
export async function loginOf(
  db: Db,
  { id, provider }: Pick<Account, 'id' | 'provider'>,
): Promise<string | null> {
  return (await tablesOf(provider).logins?.find(db, id)) ?? null;
}

/**
 * Whether an account of the same login, or of the same person if there are no logins, is in service with any tenant:
 * revoking one access ends them all.
 */
export async function isInService(
  db: Db,
  { provider, openId, login }: { provider: string; openId: string; login: string | null },
): Promise<boolean> {
  const sameLogin = login === null ? undefined : tablesOf(provider).logins?.cameWith(db, login);
  const active = await db
    .select({ id: oauthAccounts.id })
    .from(oauthAccounts)
    .where(
      and(
        eq(oauthAccounts.provider, provider),
        eq(oauthAccounts.status, 'active'),
        sameLogin ?? eq(oauthAccounts.openId, openId),
      ),
    )
    .limit(1);
  return active.length > 0;
}

/** The accounts, of all tenants, that came with a login. */
export async function accountsOfLogin(db: Db, provider: string, login: string): Promise<Account[]> {
  const sameLogin = tablesOf(provider).logins?.cameWith(db, login);
  if (sameLogin === undefined) return [];
  return db
    .select()
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.provider, provider), sameLogin));
}
