import { eq } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import { type Attempt, newestAttempts } from './attempts.ts';
import type { Db } from './client.ts';
import type { Media } from './media.ts';
import type { Post } from './posts.ts';
import { dataKeys, media, oauthAccounts, posts } from './schema.ts';
import type { StoredKey } from './tokens.ts';

/** A post, and all rows that decide what it does next. */
export interface WholePost {
  post: Post;
  account: Account;
  /** The key of the account's secrets; null: they were wiped. */
  key: StoredKey | null;
  media: Media | null;
  /** The newest of each step and status, newest first. */
  attempts: readonly Attempt[];
}

/** Any tenant's post, for workflows. @throws Error if it does not exist: posts are never deleted */
export async function wholePostById(db: Db, id: string): Promise<WholePost> {
  const [row] = await db
    .select({
      post: posts,
      account: oauthAccounts,
      key: { keyId: dataKeys.kekId, wrapped: dataKeys.wrapped },
      media,
    })
    .from(posts)
    .innerJoin(oauthAccounts, eq(oauthAccounts.id, posts.oauthAccountId))
    .leftJoin(dataKeys, eq(dataKeys.id, oauthAccounts.dataKeyId))
    .leftJoin(media, eq(media.id, posts.mediaId))
    .where(eq(posts.id, id));
  if (row === undefined) throw new Error(`no post ${id}`);
  // A separate read: a join would repeat the post for each attempt.
  return { ...row, attempts: await newestAttempts(db, id) };
}
