import { index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { bytea, at, id, createdAt, updatedAt, method } from './columns.ts';
import { userId } from './users.ts';

export type AccountStatus = 'active' | 'reauth_required' | 'disconnected';

export const dataKeys = pgTable('data_keys', {
  id: id(),
  kekId: text('kek_id').notNull(),
  wrapped: bytea('wrapped').notNull(),
  createdAt: createdAt(),
  retiredAt: at('retired_at'),
});

export const oauthAccounts = pgTable(
  'oauth_accounts',
  {
    id: id(),
    userId: userId(),
    provider: text('provider').notNull(),
    method: method(),
    /** The provider's id of the person for our app; opaque, never normalised. */
    openId: text('open_id').notNull(),
    scope: text('scope').array().notNull(),
    dataKeyId: uuid('data_key_id').references(() => dataKeys.id),
    accessTokenEncrypted: bytea('access_token_encrypted'),
    refreshTokenEncrypted: bytea('refresh_token_encrypted'),
    expiresAt: at('expires_at'),
    refreshExpiresAt: at('refresh_expires_at'),
    issuedAt: at('issued_at'),
    /** Since when the account warns that its connection is about to end; null: no warning for this token pair. */
    expiringSince: at('expiring_since'),
    /** The creator's last consent. An event about an earlier one does not concern this one. */
    connectedAt: at('connected_at').notNull(),
    /** Counts stored token pairs; every change is a compare-and-set on it. */
    tokenVersion: integer('token_version').notNull().default(1),
    status: text('status').$type<AccountStatus>().notNull().default('active'),
    statusReason: text('status_reason'),
    /**
     * Until then the provider refuses every call for the account, by its own answer; another call before may extend it.
     */
    callsRefusedUntil: at('calls_refused_until'),
    /** When the sweep last checked that the keeper of its tokens runs. */
    keeperCheckedAt: at('keeper_checked_at'),
    username: text('username'),
    displayName: text('display_name'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.provider, t.openId),
    unique().on(t.userId, t.id),
    index().on(t.provider, t.openId),
  ],
);
