import { boolean, date, numeric, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { accountKey } from './account-key.ts';
import { at, copyColumns, counter, id } from './columns.ts';
import { userId } from './users.ts';

/* What the platforms know about an account, apart from its media and comments. */

/** The copy of an account's profile. */
export const accountProfiles = pgTable(
  'account_profiles',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull().unique(),
    username: text('username'),
    displayName: text('display_name'),
    biography: text('biography'),
    website: text('website'),
    pictureUrl: text('picture_url'),
    verified: boolean('verified'),
    followers: counter('followers'),
    following: counter('following'),
    mediaCount: counter('media_count'),
    likes: counter('likes'),
    ...copyColumns(),
  },
  (t) => [accountKey(t)],
);

/** A metric of one media at one time: a row only when the value has changed. */
export const mediaInsights = pgTable(
  'media_insights',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    /** The provider's id of the media, which may be gone. */
    subjectId: text('subject_id').notNull(),
    metric: text('metric').notNull(),
    /** As in `action_type=CALL`; empty: none. */
    breakdown: text('breakdown').notNull().default(''),
    takenAt: at('taken_at').notNull(),
    value: numeric('value', { mode: 'number' }).notNull(),
    source: text('source').$type<'list' | 'insights' | 'webhook'>().notNull(),
  },
  (t) => [unique().on(t.oauthAccountId, t.subjectId, t.metric, t.breakdown, t.takenAt), accountKey(t)],
);

/** A metric of an account: of one day in California, or of its lifetime. Platforms revise days for a while. */
export const accountInsights = pgTable(
  'account_insights',
  {
    id: id(),
    userId: userId(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    metric: text('metric').notNull(),
    /** `day` or `lifetime`. */
    period: text('period').notNull(),
    /** The end of the day; null: lifetime. */
    endTime: at('end_time'),
    breakdown: text('breakdown').notNull().default(''),
    value: numeric('value', { mode: 'number' }).notNull(),
    /** The day in California that ends then. */
    day: date('day'),
    readAt: at('read_at').notNull(),
  },
  (t) => [
    unique().on(t.oauthAccountId, t.metric, t.period, t.endTime, t.breakdown).nullsNotDistinct(),
    accountKey(t),
  ],
);
