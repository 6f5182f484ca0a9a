import { type Static, Type } from 'typebox';
import { type Account, findAccount } from '../db/accounts.ts';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { PageQuery } from './paging.ts';
import { LONGEST_TIME } from './schemas.ts';

/* What the lists of copies have in common. */

const SHOWN = {
  includeRemoved: Type.Optional(
    Type.Boolean({ default: false, description: 'Whether to show what is gone at the platform.' }),
  ),
  raw: Type.Optional(
    Type.Boolean({ default: false, description: 'Whether to add what the platform sent, as `raw`.' }),
  ),
};

/** The query of one copy. */
export const CopyQuery = Type.Object(SHOWN, { additionalProperties: false });

/** The query of everything that is copied for an account, or below a media. */
export const CopiesQuery = Type.Object(
  {
    ...PageQuery.properties,
    since: Type.Optional(
      Type.String({
        format: 'date-time',
        maxLength: LONGEST_TIME,
        description: 'Nothing older than this, by the platform’s own times.',
      }),
    ),
    ...SHOWN,
  },
  { additionalProperties: false },
);

/** The part of a filter that all lists of copies have. */
export function copiesFilter({ since, includeRemoved }: Static<typeof CopiesQuery>): {
  since: Date | null;
  includeRemoved: boolean;
} {
  return { since: sinceOf(since), includeRemoved: includeRemoved ?? false };
}

export const sinceOf = (since: string | undefined): Date | null =>
  since === undefined ? null : new Date(since);

/** A tenant's account; copies of a disconnected one stay readable. @throws ApiError `not_found` */
export async function accountOf({ database: { db } }: Deps, userId: string, id: string): Promise<Account> {
  const account = await findAccount(db, userId, id);
  if (account === null) throw apiError('not_found');
  return account;
}
