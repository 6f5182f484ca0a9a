import { boolean, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { bytea, at, copyColumns, counter, id, createdAt, updatedAt } from './columns.ts';
import { userId } from './users.ts';
import { oauthAccounts } from './accounts.ts';
import { posts } from './posts.ts';

/** The data that only Instagram accounts have: how an account is reached, and by whose login. */
export const instagramAccounts = pgTable(
  'instagram_accounts',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull().unique(),
    igBusinessId: text('ig_business_id').notNull(),
    /** With Facebook Login. */
    pageId: text('page_id'),
    username: text('username'),
    /** How the account was connected: `facebook_login` or `instagram_login`. */
    accessLevel: text('access_level').notNull(),
    pageAccessTokenEncrypted: bytea('page_access_token_encrypted'),
    /**
     * The user in deauthorize callbacks: the Facebook user; with Instagram Login the account, by its id for our app.
     */
    facebookUserId: text('facebook_user_id'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.igBusinessId),
    unique().on(t.userId, t.id),
    index().on(t.facebookUserId),
    foreignKey({
      columns: [t.userId, t.oauthAccountId],
      foreignColumns: [oauthAccounts.userId, oauthAccounts.id],
    }),
  ],
);

/** Copies of an account's media: posts, stories, and the children of albums. */
export const igMedia = pgTable(
  'ig_media',
  {
    id: id(),
    userId: userId(),
    instagramAccountId: uuid('instagram_account_id').notNull(),
    igId: text('ig_id').notNull(),
    mediaType: text('media_type'),
    productType: text('product_type'),
    shortcode: text('shortcode'),
    caption: text('caption'),
    permalink: text('permalink'),
    timestamp: at('timestamp'),
    mediaUrl: text('media_url'),
    thumbnailUrl: text('thumbnail_url'),
    /** When the two URLs, which expire, were read. */
    urlsReadAt: at('urls_read_at'),
    /** The album of a child; lists, counts and removal leave children out. */
    parentIgId: text('parent_ig_id'),
    childIndex: integer('child_index'),
    commentEnabled: boolean('comment_enabled'),
    likeCount: counter('like_count'),
    commentsCount: counter('comments_count'),
    savedCount: counter('saved_count'),
    sharesCount: counter('shares_count'),
    repostsCount: counter('reposts_count'),
    /** The newest value of each metric. */
    metricsJson: jsonb('metrics_json').$type<Record<string, number>>().notNull().default({}),
    /** The post that published it. */
    postId: uuid('post_id'),
    ...copyColumns(),
  },
  (t) => [
    unique().on(t.instagramAccountId, t.igId),
    unique().on(t.userId, t.id),
    index().on(t.instagramAccountId, t.timestamp),
    foreignKey({ columns: [t.userId, t.postId], foreignColumns: [posts.userId, posts.id] }),
    foreignKey({
      columns: [t.userId, t.instagramAccountId],
      foreignColumns: [instagramAccounts.userId, instagramAccounts.id],
    }),
  ],
);

/** Copies of the comments on an account's media, and of the replies to them. */
export const igComments = pgTable(
  'ig_comments',
  {
    id: id(),
    userId: userId(),
    igMediaId: uuid('ig_media_id').notNull(),
    igId: text('ig_id').notNull(),
    /** The comment that it replies to. */
    parentIgId: text('parent_ig_id'),
    fromId: text('from_id'),
    fromUser: text('from_user'),
    text: text('text'),
    hidden: boolean('hidden').notNull().default(false),
    likeCount: counter('like_count'),
    /** By the account itself. */
    own: boolean('own').notNull().default(false),
    timestamp: at('timestamp'),
    ...copyColumns(),
  },
  (t) => [
    unique().on(t.igMediaId, t.igId),
    // A comment is looked for by its own id where the media is not known for sure (db/sync/albums.ts).
    index().on(t.igId),
    unique().on(t.userId, t.id),
    foreignKey({ columns: [t.userId, t.igMediaId], foreignColumns: [igMedia.userId, igMedia.id] }),
  ],
);
