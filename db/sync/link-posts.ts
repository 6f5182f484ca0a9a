import { sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import type { Post } from '../posts.ts';
import type { CopyTable } from '../provider-tables.ts';
import { tablesOf } from '../registry.ts';
import { columnOf } from './copy-columns.ts';

/* A post and the copy of what it published may become known in either order: the later one makes the link. */

/** Links copies of media, by the provider's ids, to the posts that published them, as a whole or in parts. */
export async function linkCopies(
  tx: Db,
  accountId: string,
  media: CopyTable,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  const key = columnOf(media.table, media.key);
  await tx.execute(sql`
    update ${media.table} set post_id = p.id
    from posts p
    where ${media.ofAccount(accountId)} and ${key} = any(${sql.param([...ids])}::text[])
      and ${columnOf(media.table, 'postId')} is null
      and p.oauth_account_id = ${accountId}::uuid and p.provider_post_id = ${key}`);
  await media.linkParts?.(tx, accountId, ids);
}

/**
 * Links the copies of what a post has just published, in the transaction that records their ids. That transaction has
 * taken the account's turn before every other lock: no page misses both the copy and the id.
 */
export async function linkPublished(
  tx: Db,
  { provider, oauthAccountId }: Pick<Post, 'provider' | 'oauthAccountId'>,
  ids: readonly string[],
): Promise<void> {
  const { copies } = tablesOf(provider);
  if (copies !== undefined) await linkCopies(tx, oauthAccountId, copies.media, ids);
}
