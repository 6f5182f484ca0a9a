import { and, eq } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { isInService } from './logins.ts';
import { tablesOf } from './registry.ts';
import { forgetCopies } from './sync/forget.ts';
import { takeTurn } from './sync/turn.ts';
import { oauthAccounts, posts, webhookEvents } from './schema.ts';

/* Copies of a provider's data, in the provider's own tables. */

/** Deletes everything known about a creator: copies from the account, events about it, and the creator's identity. */
export async function forgetCreator(
  db: Db,
  { id: accountId, provider, openId }: Pick<Account, 'id' | 'provider' | 'openId'>,
): Promise<void> {
  await db.transaction(async (tx) => {
    await takeTurn(tx, accountId);
    // The posts before the account and before actions, like all code that locks both: the end of a post that carries a
    // reply ends the reply's action too.
    await tx
      .update(posts)
      .set({ summary: null, updatedAt: posts.updatedAt })
      .where(eq(posts.oauthAccountId, accountId));
    await forgetCopies(tx, accountId, tablesOf(provider).copies);
    await tablesOf(provider).onForgotten?.(tx, accountId);
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
