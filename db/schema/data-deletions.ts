import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { at, id } from './columns.ts';

/** People who asked a provider to have their data deleted here, for the status page. */
export const dataDeletions = pgTable('data_deletions', {
  id: id(),
  /** Public: anyone who knows it can see the status of the deletion. */
  code: text('code').notNull().unique(),
  provider: text('provider').notNull(),
  accounts: integer('accounts').notNull(),
  requestedAt: at('requested_at').notNull().defaultNow(),
  completedAt: at('completed_at'),
});
