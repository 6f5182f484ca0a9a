import { sql } from 'drizzle-orm';
import { boolean, index, integer, json, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { at, id, requestId } from './columns.ts';

export const webhookEvents = pgTable(
  'webhook_events',
  {
    id: id(),
    provider: text('provider').notNull(),
    eventType: text('event_type').notNull(),
    externalId: text('external_id').notNull(),
    requestId: requestId(),
    /** The original text: `json`, unlike `jsonb`, keeps every digit. */
    payloadJson: json('payload_json').notNull(),
    /** May belong to accounts of several tenants: the event is applied to each. */
    providerAccountId: text('provider_account_id'),
    processedAt: at('processed_at'),
    errorMessage: text('error_message'),
    retryCount: integer('retry_count').notNull().default(0),
    receivedAt: at('received_at').notNull().defaultNow(),
    /** When its workflow was last known to run. Null: it was never started, and the sweep will start it. */
    workflowStartedAt: at('workflow_started_at'),
    /** When its workflow ended without applying it; a replay clears it. */
    givenUpAt: at('given_up_at'),
    /** Whether an operator replayed it. */
    replayed: boolean('replayed').notNull().default(false),
  },
  (t) => [
    unique().on(t.provider, t.externalId),
    index().on(t.receivedAt),
    index('webhook_events_waiting')
      .on(t.receivedAt)
      .where(sql`processed_at is null`),
  ],
);
