import { and, eq, ne } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { isInService } from './logins.ts';
import type { Comment } from './provider-tables.ts';
import { tablesOf } from './registry.ts';
import { oauthAccounts, posts, webhookEvents } from './schema.ts';

/* Copies of a provider's data, in the provider's own tables. */

/** Keeps a comment, unless the account was disconnected. */
export async function saveComment(
  db: Db,
  { id, provider }: Pick<Account, 'id' | 'provider'>,
  comment: Comment,
): Promise<void> {
  await db.transaction(async (tx) => {
    const connected = await tx
      .select({ id: oauthAccounts.id })
      .from(oauthAccounts)
      .where(and(eq(oauthAccounts.id, id), ne(oauthAccounts.status, 'disconnected')))
      // Not while it is being deleted.
      .for('share');
    if (connected.length > 0) await tablesOf(provider).onComment?.(tx, id, comment);
  });
}

/** Deletes everything known about a creator: copies from the account, events about it, and the creator's identity. */
export async function forgetCreator(
  db: Db,
  { id: accountId, provider, openId }: Pick<Account, 'id' | 'provider' | 'openId'>,
): Promise<void> {
  await db.transaction(async (tx) => {
    await tablesOf(provider).onForgotten?.(tx, accountId);
    // The posts before the account, like all code that locks both.
    await tx
      .update(posts)
      .set({ summary: null, updatedAt: posts.updatedAt })
      .where(eq(posts.oauthAccountId, accountId));
    await tx
      .update(oauthAccounts)
      .set({ username: null, displayName: null, metadata: {} })
      .where(eq(oauthAccounts.id, accountId));
    // Another tenant may have connected the same account, through a login whose owner did not ask for deletion.
    if (await isInService(tx, { provider, openId, login: null })) return;
    await tx
      .delete(webhookEvents)
      .where(and(eq(webhookEvents.provider, provider), eq(webhookEvents.providerAccountId, openId)));
  });
}
