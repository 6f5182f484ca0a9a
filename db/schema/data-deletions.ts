import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { at, id } from './columns.ts';

/** People who asked a provider to have their data deleted here; the status page tells from it. */
export const dataDeletions = pgTable('data_deletions', {
  id: id(),
  /** Public: whoever knows it may ask how the deletion stands. */
  code: text('code').notNull().unique(),
  provider: text('provider').notNull(),
  accounts: integer('accounts').notNull(),
  requestedAt: at('requested_at').notNull().defaultNow(),
  completedAt: at('completed_at'),
});
