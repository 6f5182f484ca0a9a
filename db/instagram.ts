import { and, eq, inArray } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import type { AccountLogin, Comment, ProviderTables } from './provider-tables.ts';
import { igComments, igMedia, instagramAccounts, oauthAccounts } from './schema.ts';

/** How an Instagram account is reached and by whose login, and copies of its media and their comments. */
export const instagramTables: ProviderTables = {
  onConnected: saveAccount,

  async onTokensWiped(tx, accountId) {
    await tx
      .update(instagramAccounts)
      .set({ pageAccessTokenEncrypted: null })
      .where(eq(instagramAccounts.oauthAccountId, accountId));
  },

  onComment: saveComment,

  async onForgotten(tx, accountId) {
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
  },

  logins: {
    async find(db, accountId) {
      const [row] = await db
        .select({ login: instagramAccounts.facebookUserId })
        .from(instagramAccounts)
        .where(eq(instagramAccounts.oauthAccountId, accountId));
      return row?.login ?? null;
    },
    cameWith: (db, login) =>
      inArray(
        oauthAccounts.id,
        db
          .select({ id: instagramAccounts.oauthAccountId })
          .from(instagramAccounts)
          .where(eq(instagramAccounts.facebookUserId, login)),
      ),
  },
};

/** The same account again is the same row. */
async function saveAccount(tx: Db, account: Account, login: AccountLogin | null): Promise<void> {
  if (login === null) return;
  const { id: facebookUserId, page } = login;
  const place = { table: 'instagram_accounts', column: 'page_access_token_encrypted' };
  const row = {
    userId: account.userId,
    oauthAccountId: account.id,
    igBusinessId: account.openId,
    pageId: page?.id ?? null,
    username: account.username,
    accessLevel: account.method ?? account.provider,
    pageAccessTokenEncrypted: (await page?.sealToken(place)) ?? null,
    facebookUserId,
  };
  await tx
    .insert(instagramAccounts)
    .values(row)
    .onConflictDoUpdate({ target: [instagramAccounts.userId, instagramAccounts.igBusinessId], set: row });
}

/** The newest text of a comment counts. */
async function saveComment(tx: Db, accountId: string, comment: Comment): Promise<void> {
  const [account] = await tx
    .select({ userId: instagramAccounts.userId, instagramAccountId: instagramAccounts.id })
    .from(instagramAccounts)
    .where(eq(instagramAccounts.oauthAccountId, accountId));
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
}
