import { eq, sql } from 'drizzle-orm';
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
