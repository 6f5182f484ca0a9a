import { customType, text, timestamp, uuid } from 'drizzle-orm/pg-core';

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

/** The HTTP request that a row came with; its workflow and its log lines carry it on. */
export const requestId = () => text('request_id');

/** How an account is connected, where its provider has several ways; null: there is one, or the usual one is meant. */
export const method = () => text('method');
