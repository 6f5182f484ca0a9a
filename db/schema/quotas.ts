import { sql } from 'drizzle-orm';
import { index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { at, id } from './columns.ts';
import { oauthAccounts } from './accounts.ts';
import { posts } from './posts.ts';

export const quotaReservations = pgTable(
  'quota_reservations',
  {
    id: id(),
    oauthAccountId: uuid('oauth_account_id')
      .notNull()
      .references(() => oauthAccounts.id),
    bucket: text('bucket').notNull(),
    at: at('at').notNull().defaultNow(),
    postId: uuid('post_id').references(() => posts.id),
    releasedAt: at('released_at'),
    /** How many units of the quota it takes. */
    units: integer('units').notNull().default(1),
    /** The provider, for a quota that all accounts of an app share. Null: it is the account's own. */
    app: text('app'),
  },
  (t) => [
    index().on(t.oauthAccountId, t.bucket, t.at),
    index('quota_reservations_of_app')
      .on(t.app, t.bucket, t.at)
      .where(sql`app is not null`),
  ],
);

/** Limits that are only known from a provider's refusal. */
export const quotaLimits = pgTable(
  'quota_limits',
  {
    oauthAccountId: uuid('oauth_account_id')
      .notNull()
      .references(() => oauthAccounts.id),
    bucket: text('bucket').notNull(),
    limit: integer('limit').notNull(),
    /** The provider's own count at that time; null: the limit was shown by a refusal. */
    used: integer('used'),
    /** The post that was refused. */
    postId: uuid('post_id').references(() => posts.id),
    shownAt: at('shown_at').notNull(),
    /** Until then only the refused post tries again. */
    askAgainAt: at('ask_again_at').notNull(),
    /** The provider, for a quota that all accounts of an app share. Null: it is the account's own. */
    app: text('app'),
  },
  (t) => [primaryKey({ columns: [t.oauthAccountId, t.bucket] })],
);
