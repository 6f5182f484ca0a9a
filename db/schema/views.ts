import { boolean, jsonb, pgView, text, uuid } from 'drizzle-orm/pg-core';
import type { MetricsState } from '../../reading.ts';
import { at, counter, type RemovedReason } from './columns.ts';

/* Copies of all providers in one shape, for the API and for people who write SQL. Migrations make the views. */

/** All media, without the children of albums. */
export const allMedia = pgView('all_media', {
  id: uuid('id').notNull(),
  userId: uuid('user_id').notNull(),
  provider: text('provider').notNull(),
  accountId: uuid('account_id').notNull(),
  providerMediaId: text('provider_media_id').notNull(),
  type: text('type'),
  text: text('text'),
  permalink: text('permalink'),
  timestamp: at('timestamp'),
  /** Its own time, or when Everpost first saw it. */
  sortAt: at('sort_at').notNull(),
  postId: uuid('post_id'),
  metrics: jsonb('metrics').$type<Record<string, number>>().notNull(),
  metricsState: text('metrics_state').$type<MetricsState>(),
  firstSeenAt: at('first_seen_at').notNull(),
  readAt: at('read_at'),
  missingSince: at('missing_since'),
  removedAt: at('removed_at'),
  removedReason: text('removed_reason').$type<RemovedReason>(),
  updatedAt: at('updated_at').notNull(),
  raw: jsonb('raw').$type<Record<string, unknown>>(),
}).existing();

/** All comments and replies. */
export const allComments = pgView('all_comments', {
  id: uuid('id').notNull(),
  userId: uuid('user_id').notNull(),
  provider: text('provider').notNull(),
  accountId: uuid('account_id').notNull(),
  mediaId: uuid('media_id'),
  providerMediaId: text('provider_media_id'),
  providerCommentId: text('provider_comment_id').notNull(),
  parentId: uuid('parent_id'),
  providerParentId: text('provider_parent_id'),
  author: text('author'),
  text: text('text'),
  timestamp: at('timestamp'),
  sortAt: at('sort_at').notNull(),
  state: text('state').$type<'visible' | 'hidden' | 'pending' | 'removed'>().notNull(),
  hidden: boolean('hidden').notNull(),
  own: boolean('own').notNull(),
  likeCount: counter('like_count'),
  firstSeenAt: at('first_seen_at').notNull(),
  readAt: at('read_at'),
  missingSince: at('missing_since'),
  removedAt: at('removed_at'),
  removedReason: text('removed_reason').$type<RemovedReason>(),
  updatedAt: at('updated_at').notNull(),
  raw: jsonb('raw').$type<Record<string, unknown>>(),
}).existing();
