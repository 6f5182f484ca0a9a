import { eq } from 'drizzle-orm';
import { pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import type { ProviderTables } from '../../../db/provider-tables.ts';
import { at, copyColumns, counter, id } from '../../../db/schema/columns.ts';

/** Copies of what people at Mosaic have made. */
const mosaicItems = pgTable(
  'mosaic_items',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    oauthAccountId: uuid('oauth_account_id').notNull(),
    itemId: text('item_id').notNull(),
    text: text('text'),
    made: at('made'),
    likes: counter('likes'),
    postId: uuid('post_id'),
    ...copyColumns(),
  },
  (t) => [unique().on(t.oauthAccountId, t.itemId)],
);

/** Makes the table, which no migration makes. */
export const CREATE_MOSAIC_ITEMS = `create table mosaic_items (
  id uuid primary key default gen_random_uuid(), user_id uuid not null, oauth_account_id uuid not null,
  item_id text not null, text text, made timestamptz, likes bigint, post_id uuid, source text not null default 'webhook',
  first_seen_at timestamptz not null default now(), read_at timestamptz, seen_pass integer, missing_since timestamptz,
  removed_at timestamptz, removed_reason text, raw jsonb, created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(), unique (oauth_account_id, item_id))`;

export const mosaicTables: ProviderTables = {
  copies: {
    media: {
      holds: 'media',
      table: mosaicItems,
      key: 'itemId',
      owner: 'oauthAccountId',
      time: 'made',
      volatile: ['postId'],
      counts: ['likes'],
      ownersOf: async (_tx, accountId) => () => accountId,
      ofAccount: (accountId) => eq(mosaicItems.oauthAccountId, accountId),
    },
  },
};
