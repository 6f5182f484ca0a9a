import { boolean, foreignKey, index, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { bytea, at, id, createdAt, updatedAt } from './columns.ts';
import { userId } from './users.ts';
import { oauthAccounts } from './accounts.ts';

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

/** The known posts of an account. */
export const igMedia = pgTable(
  'ig_media',
  {
    id: id(),
    userId: userId(),
    instagramAccountId: uuid('instagram_account_id').notNull(),
    igId: text('ig_id').notNull(),
    mediaType: text('media_type'),
    caption: text('caption'),
    permalink: text('permalink'),
    timestamp: at('timestamp'),
    metricsJson: jsonb('metrics_json').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.instagramAccountId, t.igId),
    unique().on(t.userId, t.id),
    foreignKey({
      columns: [t.userId, t.instagramAccountId],
      foreignColumns: [instagramAccounts.userId, instagramAccounts.id],
    }),
  ],
);

export const igComments = pgTable(
  'ig_comments',
  {
    id: id(),
    userId: userId(),
    igMediaId: uuid('ig_media_id').notNull(),
    igId: text('ig_id').notNull(),
    fromUser: text('from_user'),
    text: text('text'),
    hidden: boolean('hidden').notNull().default(false),
    timestamp: at('timestamp'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.igMediaId, t.igId),
    foreignKey({ columns: [t.userId, t.igMediaId], foreignColumns: [igMedia.userId, igMedia.id] }),
  ],
);
