import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import type { AccountLogin, CopyTable, ProviderTables } from './provider-tables.ts';
import { igComments, igMedia, instagramAccounts, oauthAccounts } from './schema.ts';

/** Copies of media: posts, stories and the children of albums. */
const media: CopyTable = {
  holds: 'media',
  table: igMedia,
  key: 'igId',
  owner: 'instagramAccountId',
  time: 'timestamp',
  parent: 'parentIgId',
  listedIn: (stream) =>
    stream === 'stories'
      ? sql`${igMedia.parentIgId} is null and ${igMedia.productType} = 'STORY'`
      : sql`${igMedia.parentIgId} is null and ${igMedia.productType} is distinct from 'STORY'`,
  endsAt: sql`case when ${igMedia.productType} = 'STORY' then ${igMedia.timestamp} + interval '24 hours' end`,
  volatile: ['mediaUrl', 'thumbnailUrl', 'urlsReadAt', 'postId'],
  counts: ['likeCount', 'commentsCount', 'savedCount', 'sharesCount', 'repostsCount'],
  async ownersOf(tx, accountId) {
    const [row] = await tx
      .select({ id: instagramAccounts.id })
      .from(instagramAccounts)
      .where(eq(instagramAccounts.oauthAccountId, accountId));
    return () => row?.id;
  },
  ofAccount: (accountId) => inArray(igMedia.instagramAccountId, rowOf(accountId)),
};

/** Copies of comments belong to the copy of their media. */
const comments: CopyTable = {
  holds: 'comments',
  table: igComments,
  key: 'igId',
  owner: 'igMediaId',
  time: 'timestamp',
  repliesTo: 'parentIgId',
  hiddenBy: { column: 'hidden', value: true },
  acted: { hide: { hidden: true }, unhide: { hidden: false } },
  // Instagram keeps a reply to a reply below the first comment.
  replied: ({ comment, account: { username }, text }) => ({
    parentIgId: comment.providerParentId ?? comment.providerCommentId,
    fromUser: username,
    text,
  }),
  volatile: [],
  counts: ['likeCount'],
  async ownersOf(tx, accountId, parents) {
    const wanted = [...new Set(parents)].filter((parent) => parent !== null);
    const rows = await tx
      .select({ id: igMedia.id, igId: igMedia.igId })
      .from(igMedia)
      .where(and(inArray(igMedia.instagramAccountId, rowOf(accountId)), inArray(igMedia.igId, wanted)));
    const owners = new Map(rows.map((row) => [row.igId, row.id]));
    return (parent) => (parent === null ? undefined : owners.get(parent));
  },
  ofAccount: (accountId) =>
    inArray(
      igComments.igMediaId,
      sql`(select id from ig_media where instagram_account_id in ${rowOf(accountId)})`,
    ),
};

const rowOf = (accountId: string | SQL): SQL =>
  sql`(select id from instagram_accounts where oauth_account_id = ${accountId}::uuid)`;

/** How an Instagram account is reached and by whose login, and copies of its media and their comments. */
export const instagramTables: ProviderTables = {
  onConnected: saveAccount,

  async onTokensWiped(tx, accountId) {
    await tx
      .update(instagramAccounts)
      .set({ pageAccessTokenEncrypted: null })
      .where(eq(instagramAccounts.oauthAccountId, accountId));
  },

  copies: { media, comments },

  async onForgotten(tx, accountId) {
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
