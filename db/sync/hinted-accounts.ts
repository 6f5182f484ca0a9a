import { and, eq, or, type SQL, sql } from 'drizzle-orm';
import { type Account, accountsOf } from '../accounts.ts';
import type { Db } from '../client.ts';
import type { CopyTable } from '../provider-tables.ts';
import { tablesOf } from '../registry.ts';
import { oauthAccounts, posts } from '../schema.ts';
import { columnOf } from './copy-columns.ts';

/** Whom an event concerns. */
export interface Concerned {
  /** The provider's id of the account; null: the event names none. */
  readonly openId: string | null;
  /** What else tells the account, if none has this id. */
  readonly otherwise?: {
    readonly username?: string | null;
    /** The provider's ids of the account's own media, or of comments below them. */
    readonly ids?: readonly string[];
  };
}

/** The accounts that an event concerns: several tenants may have connected the same one. */
export async function concernedAccounts(
  db: Db,
  provider: string,
  { openId, otherwise: { username = null, ids = [] } = {} }: Concerned,
): Promise<Account[]> {
  const named = openId === null ? [] : await accountsOf(db, provider, openId);
  if (named.length > 0 || (username === null && ids.length === 0)) return named;
  const { copies } = tablesOf(provider);
  const tables = [copies?.media, copies?.comments].filter((table) => table !== undefined);
  const isKnown = ids.length === 0 ? [] : [...tables.map((table) => hasCopy(table, ids)), hasPublished(ids)];
  const isNamed = username === null ? [] : [eq(oauthAccounts.username, username)];
  return db
    .select()
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.provider, provider), or(...isNamed, ...isKnown)));
}

const hasCopy = (copies: CopyTable, ids: readonly string[]): SQL =>
  sql`exists (select from ${copies.table} where ${copies.ofAccount(sql`${oauthAccounts.id}`)}
    and ${columnOf(copies.table, copies.key)} = any(${sql.param([...ids])}::text[]))`;

const hasPublished = (ids: readonly string[]): SQL =>
  sql`exists (select from ${posts} where ${posts.oauthAccountId} = ${oauthAccounts.id} and ${posts.providerPostId} = any(${sql.param([...ids])}::text[]))`;
