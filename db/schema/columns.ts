import { bigint, customType, integer, jsonb, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({
  dataType: () => 'bytea',
  toDriver: (value) => Buffer.from(value),
});

export const at = (name: string) => timestamp(name, { withTimezone: true });

export const id = () => uuid('id').primaryKey().defaultRandom();

export const createdAt = () => at('created_at').notNull().defaultNow();

export const updatedAt = () =>
  at('updated_at')
    .notNull()
    .defaultNow()
    .$onUpdate(() => new Date());

/** The id of the HTTP request behind a row; its workflow and log lines repeat it. */
export const requestId = () => text('request_id');

/** How an account is connected, if its provider has several ways; null: the only or the usual one. */
export const method = () => text('method');

/** A count of a platform, beyond 2^31 too; null: the platform did not tell it, which is not 0. */
export const counter = (name: string) => bigint(name, { mode: 'number' });

/** The writer of a copy's last version: a page of a list (or a read by id), a webhook, or an action of ours. */
export type CopySource = 'page' | 'webhook' | 'action';

/** The proof that a copy's original is gone. */
export type RemovedReason = 'absent' | 'event' | 'asked' | 'expired' | 'not_public';

/** The columns of every copy of a platform's data. */
export const copyColumns = () => ({
  source: text('source').$type<CopySource>().notNull().default('webhook'),
  firstSeenAt: at('first_seen_at').notNull().defaultNow(),
  /**
   * The database's clock before the request of the newest read; null: only a webhook has written the row. A write with
   * an older clock changes nothing.
   */
  readAt: at('read_at'),
  /** The last pass over the list that saw it. */
  seenPass: integer('seen_pass'),
  /** Since when complete passes do not see it. */
  missingSince: at('missing_since'),
  removedAt: at('removed_at'),
  removedReason: text('removed_reason').$type<RemovedReason>(),
  /** The platform's own words, without tokens. */
  raw: jsonb('raw').$type<Record<string, unknown>>(),
  createdAt: createdAt(),
  /** Moves only with a change of content. */
  updatedAt: updatedAt(),
});
