import { type AnyPgColumn, index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { at, id, createdAt } from './columns.ts';

export const users = pgTable('users', {
  id: id(),
  email: text('email').notNull().unique(),
  /** The name that creators see when they are asked to connect an account. */
  displayName: text('display_name'),
  /** The hash of the request that created it, if that had an Idempotency-Key: the name may change afterwards. */
  requestHash: text('request_hash'),
  createdAt: createdAt(),
});

export const userId = () =>
  uuid('user_id')
    .notNull()
    .references((): AnyPgColumn => users.id);

export const apiKeys = pgTable(
  'api_keys',
  {
    id: id(),
    userId: userId(),
    name: text('name').notNull(),
    /** The first characters of the key, so that people can tell keys apart. */
    prefix: text('prefix').notNull(),
    hash: text('hash').notNull().unique(),
    scopes: text('scopes').array().notNull(),
    expiresAt: at('expires_at'),
    lastUsedAt: at('last_used_at'),
    revokedAt: at('revoked_at'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.userId)],
);
