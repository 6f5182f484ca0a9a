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

/** The id of the HTTP request behind a row; its workflow and log lines repeat it. */
export const requestId = () => text('request_id');

/** How an account is connected, if its provider has several ways; null: the only or the usual one. */
export const method = () => text('method');
