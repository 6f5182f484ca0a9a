import { boolean, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { oauthAccounts } from './accounts.ts';
import { at, copyColumns, id } from './columns.ts';
import { posts } from './posts.ts';
import { userId } from './users.ts';

/** Copies of an account's own posts on Threads, and of the parts of chains that Everpost published. */
export const threadsMedia = pgTable(
  'threads_media',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    threadsId: text('threads_id').notNull(),
    mediaType: text('media_type'),
    text: text('text'),
    permalink: text('permalink'),
    shortcode: text('shortcode'),
    timestamp: at('timestamp'),
    replyAudience: text('reply_audience'),
    topicTag: text('topic_tag'),
    isQuote: boolean('is_quote'),
    quotedId: text('quoted_id'),
    repostedId: text('reposted_id'),
    /** When a ghost post ends. */
    ghostUntil: at('ghost_until'),
    /** The items of a carousel, in order: provider ids. */
    children: jsonb('children').$type<string[]>(),
    /** The newest value of each metric. */
    metricsJson: jsonb('metrics_json').$type<Record<string, number>>().notNull().default({}),
    /** The post that published it. */
    postId: uuid('post_id'),
    /** Its place in a chain that Everpost published: 0 is the first post. */
    chainIndex: integer('chain_index'),
    ...copyColumns(),
  },
  (t) => [
    unique().on(t.oauthAccountId, t.threadsId),
    unique().on(t.userId, t.id),
    index().on(t.oauthAccountId, t.timestamp),
    foreignKey({
      columns: [t.userId, t.oauthAccountId],
      foreignColumns: [oauthAccounts.userId, oauthAccounts.id],
    }),
    foreignKey({ columns: [t.userId, t.postId], foreignColumns: [posts.userId, posts.id] }),
  ],
);

/** Whether a reply that needed approval has it. */
export type Approval = 'approved' | 'pending' | 'ignored';

/** Copies of the replies below an account's posts, at any depth. */
export const threadsReplies = pgTable(
  'threads_replies',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    threadsId: text('threads_id').notNull(),
    /** The post at the root of the conversation. */
    rootId: text('root_id'),
    repliedToId: text('replied_to_id'),
    username: text('username'),
    text: text('text'),
    timestamp: at('timestamp'),
    hasReplies: boolean('has_replies'),
    hideStatus: text('hide_status'),
    approval: text('approval').$type<Approval>(),
    /** By the account itself. */
    own: boolean('own').notNull().default(false),
    ...copyColumns(),
  },
  (t) => [
    unique().on(t.oauthAccountId, t.threadsId),
    unique().on(t.userId, t.id),
    index().on(t.oauthAccountId, t.rootId),
    foreignKey({
      columns: [t.userId, t.oauthAccountId],
      foreignColumns: [oauthAccounts.userId, oauthAccounts.id],
    }),
  ],
);
