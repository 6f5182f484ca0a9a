import { getTableName, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import type { CopyTable } from '../provider-tables.ts';
import { nameOf } from './copy-columns.ts';

/** Links copies of media to the posts that published them. */
export async function linkPosts(
  tx: Db,
  accountId: string,
  { table, key }: CopyTable,
  rows: readonly { id: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.execute(sql`
    update ${sql.identifier(getTableName(table))} m set post_id = p.id
    from posts p
    where m.id = any(${sql.param(rows.map(({ id }) => id))}::uuid[]) and m.post_id is null
      and p.oauth_account_id = ${accountId}::uuid and p.provider_post_id = m.${nameOf(table, key)}`);
}
