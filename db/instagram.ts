import { and, eq, inArray, ne } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import { igComments, igMedia, instagramAccounts, oauthAccounts } from './schema.ts';

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

/** Keeps a comment that somebody has made, for each of these accounts; the newest text counts. */
export async function saveComment(
  db: Db,
  accountId: string,
  comment: { mediaId: string; commentId: string; fromUser: string | null; text: string | null },
): Promise<void> {
  await db.transaction(async (tx) => {
    const [account] = await tx
      .select()
      .from(instagramAccounts)
      .where(eq(instagramAccounts.oauthAccountId, accountId));
    if (account === undefined) return;
    const { userId, id: instagramAccountId } = account;
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

/** Deletes what was copied from an account. */
export async function deleteCopies(db: Db, accountId: string): Promise<void> {
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
      .set({ pageAccessTokenEncrypted: null, username: null })
      .where(eq(instagramAccounts.oauthAccountId, accountId));
  });
}
