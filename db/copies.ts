import { and, eq, inArray } from 'drizzle-orm';
import type { Db } from './client.ts';
import { igComments, igMedia, instagramAccounts } from './schema.ts';

/* Copies of what lies at a provider: media and comments. */

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
