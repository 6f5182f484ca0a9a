import { type AnyPgColumn, foreignKey } from 'drizzle-orm/pg-core';
import { oauthAccounts } from './accounts.ts';

/** An account of a tenant, by the composite key. */
export const accountKey = (t: { userId: AnyPgColumn; oauthAccountId: AnyPgColumn }) =>
  foreignKey({
    columns: [t.userId, t.oauthAccountId],
    foreignColumns: [oauthAccounts.userId, oauthAccounts.id],
  });
