import { and, eq, inArray, ne } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { isInService } from './logins.ts';
import { igComments, igMedia, instagramAccounts, oauthAccounts, posts, webhookEvents } from './schema.ts';

/* Copies of what lies at a provider: media and comments. */

/** Keeps a comment that somebody has made, unless the account was disconnected; the newest text counts. */
export async function saveComment(
  db: Db,
  accountId: string,
  comment: { mediaId: string; commentId: string; fromUser: string | null; text: string | null },
): Promise<void> {
  await db.transaction(async (tx) => {
    const [account] = await tx
      .select({ userId: instagramAccounts.userId, instagramAccountId: instagramAccounts.id })
      .from(instagramAccounts)
      .innerJoin(oauthAccounts, eq(oauthAccounts.id, instagramAccounts.oauthAccountId))
      .where(and(eq(oauthAccounts.id, accountId), ne(oauthAccounts.status, 'disconnected')))
      // Not while it is being deleted.
      .for('share', { of: oauthAccounts });
    if (account === undefined) return;
    const { userId, instagramAccountId } = account;
    await tx
      .insert(igMedia)
      .values({ userId, instagramAccountId, igId: comment.mediaId })
      .onConflictDoNothing();
    const [media] = await tx
      .select({ id: igMedia.id })
      .from(igMedia)
      .where(and(eq(igMedia.instagramAccountId, instagramAccountId), eq(igMedia.igId, comment.mediaId)));
    if (media === undefined) throw new Error('the media that was just inserted is gone');
    const { fromUser, text } = comment;
    await tx
      .insert(igComments)
      .values({ userId, igMediaId: media.id, igId: comment.commentId, fromUser, text })
      .onConflictDoUpdate({ target: [igComments.igMediaId, igComments.igId], set: { fromUser, text } });
  });
}

/** Deletes all that is known of a creator: what was copied from the account, what was told about it, and who it is. */
export async function forgetCreator(
  db: Db,
  { id: accountId, provider, openId }: Pick<Account, 'id' | 'provider' | 'openId'>,
): Promise<void> {
  await db.transaction(async (tx) => {
    const media = tx
      .select({ id: igMedia.id })
      .from(igMedia)
      .innerJoin(instagramAccounts, eq(instagramAccounts.id, igMedia.instagramAccountId))
      .where(eq(instagramAccounts.oauthAccountId, accountId));
    await tx.delete(igComments).where(inArray(igComments.igMediaId, media));
    await tx.delete(igMedia).where(inArray(igMedia.id, media));
    await tx
      .update(instagramAccounts)
      .set({ pageAccessTokenEncrypted: null, username: null, facebookUserId: null })
      .where(eq(instagramAccounts.oauthAccountId, accountId));
    await tx
      .update(oauthAccounts)
      .set({ username: null, displayName: null, metadata: {} })
      .where(eq(oauthAccounts.id, accountId));
    await tx
      .update(posts)
      .set({ summary: null, updatedAt: posts.updatedAt })
      .where(eq(posts.oauthAccountId, accountId));
    // Another tenant may have connected the same account, by a login that has asked for nothing.
    if (await isInService(tx, { provider, openId, login: null })) return;
    await tx
      .delete(webhookEvents)
      .where(and(eq(webhookEvents.provider, provider), eq(webhookEvents.providerAccountId, openId)));
  });
}
