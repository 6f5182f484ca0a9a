import { index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, at, id, createdAt, method } from './columns.ts';
import { userId } from './users.ts';

/** One-time links through which a creator connects an account in any browser. */
export const connectLinks = pgTable(
  'connect_links',
  {
    id: id(),
    hash: text('hash').notNull().unique(),
    userId: userId(),
    provider: text('provider').notNull(),
    method: method(),
    /** The name that the creator sees; null: the user's display name. */
    name: text('name'),
    returnTo: text('return_to'),
    expiresAt: at('expires_at').notNull(),
    usedAt: at('used_at'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.expiresAt)],
);

/** How an attempt to connect ended, as its page shows it. */
export type StoredResult =
  { accounts: readonly string[] } | { code: string; scopes?: readonly string[]; unavailable?: boolean };

export const oauthStates = pgTable(
  'oauth_states',
  {
    id: id(),
    hash: text('hash').notNull().unique(),
    userId: userId(),
    provider: text('provider').notNull(),
    method: method(),
    returnTo: text('return_to'),
    connectLinkId: uuid('connect_link_id').references(() => connectLinks.id),
    /** The hash of the half that only the creator's browser has, in a cookie. */
    browserHash: text('browser_hash'),
    /** The PKCE verifier's 32 bytes, wrapped by the KEK like a data key. */
    verifierKekId: text('verifier_kek_id').notNull(),
    verifierWrapped: bytea('verifier_wrapped').notNull(),
    expiresAt: at('expires_at').notNull(),
    usedAt: at('used_at'),
    /** The hash of the token in the result page's address, while the result can be shown. */
    resultHash: text('result_hash').unique(),
    result: jsonb('result').$type<StoredResult>(),
    resultExpiresAt: at('result_expires_at'),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.expiresAt), index().on(t.connectLinkId)],
);

/** Calls in progress that make or end grants at a provider (db/grant-calls.ts). */
export const grantCalls = pgTable('grant_calls', {
  id: id(),
  provider: text('provider').notNull(),
  kind: text('kind').$type<'exchange' | 'revocation'>().notNull(),
  /** From then on it counts as ended, even if its process has died. */
  expiresAt: at('expires_at').notNull(),
});
