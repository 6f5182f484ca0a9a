import { eq, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import type { CopyTable, ProviderTables } from './provider-tables.ts';
import { threadsMedia, threadsReplies } from './schema.ts';

const media: CopyTable = {
  holds: 'media',
  table: threadsMedia,
  key: 'threadsId',
  owner: 'oauthAccountId',
  time: 'timestamp',
  // The later parts of a chain are replies: the list of posts leaves them out.
  listedIn: () => sql`coalesce(${threadsMedia.chainIndex}, 0) = 0`,
  endsAt: sql`${threadsMedia.ghostUntil}`,
  partsOf: chainParts,
  linkParts: linkChain,
  volatile: ['postId', 'chainIndex'],
  counts: [],
  ownersOf: async (_tx, accountId) => () => accountId,
  ofAccount: (accountId) => eq(threadsMedia.oauthAccountId, accountId),
};

const comments: CopyTable = {
  holds: 'comments',
  table: threadsReplies,
  key: 'threadsId',
  owner: 'oauthAccountId',
  time: 'timestamp',
  media: 'rootId',
  repliesTo: 'repliedToId',
  hiddenBy: { column: 'hideStatus', value: 'HIDDEN' },
  approval: 'approval',
  acted: {
    hide: { hideStatus: 'HIDDEN' },
    unhide: { hideStatus: 'UNHUSHED' },
    approve: { approval: 'approved' },
    ignore: { approval: 'ignored' },
  },
  replied: ({ comment, account: { username }, text }) => ({
    rootId: comment.providerMediaId,
    repliedToId: comment.providerCommentId,
    username,
    text,
  }),
  volatile: [],
  counts: [],
  ownersOf: async (_tx, accountId) => () => accountId,
  ofAccount: (accountId) => eq(threadsReplies.oauthAccountId, accountId),
};

/** Copies of an account's posts on Threads, and of the replies below them. */
export const threadsTables: ProviderTables = { copies: { media, comments } };

/** The steps of a plan that publish the parts of a chain (providers/threads/chain.ts). */
const PART = String.raw`^reply:(\d+)/publish$`;

/** The later parts of chains that Everpost published: the platform lists them as replies. */
async function chainParts(tx: Db, accountId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await tx.execute<{ ref: string }>(sql`
    select a.provider_ref as ref from publish_attempts a join posts p on p.id = a.post_id
    where p.oauth_account_id = ${accountId}::uuid and a.status = 'accepted' and a.step ~ ${PART}
      and a.provider_ref = any(${sql.param([...ids])}::text[])`);
  return rows.map(({ ref }) => ref);
}

async function linkChain(tx: Db, accountId: string, ids: readonly string[]): Promise<void> {
  await tx.execute(sql`
    update threads_media m set post_id = a.post_id, chain_index = coalesce(substring(a.step from ${PART})::integer, 0)
    from publish_attempts a join posts p on p.id = a.post_id
    where m.oauth_account_id = ${accountId}::uuid and m.threads_id = any(${sql.param([...ids])}::text[])
      and p.oauth_account_id = m.oauth_account_id and a.provider_ref = m.threads_id and a.status = 'accepted'
      and m.chain_index is null and jsonb_path_exists(p.request, '$.replies[0]')`);
}
