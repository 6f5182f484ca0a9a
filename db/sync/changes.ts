import { sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { changes } from '../schema.ts';

export type ChangeKind =
  | `media.${'created' | 'updated' | 'removed' | 'restored'}`
  | `comment.${'created' | 'updated' | 'hidden' | 'removed' | 'restored'}`
  | 'insights.updated'
  | 'profile.updated'
  | `sync.${'completed' | 'failed' | 'permission_missing' | 'resumed'}`;

export interface Change {
  kind: ChangeKind;
  /** The table of its row, and the row's id. */
  subjectTable: string;
  subjectId: string;
  data?: Record<string, unknown>;
}

/**
 * Appends to the feed, in the transaction of the changes themselves. The last statement of a transaction: from here to
 * its commit, the user's other transactions wait for their turn, so that the numbers of the feed follow the commits.
 */
export async function recordChanges(
  tx: Db,
  { userId, accountId }: { userId: string; accountId: string },
  what: readonly Change[],
): Promise<void> {
  if (what.length === 0) return;
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`changes ${userId}`}, 0))`);
  await tx.insert(changes).values(
    what.map(({ kind, subjectTable, subjectId, data = {} }) => ({
      userId,
      oauthAccountId: accountId,
      kind,
      subjectTable,
      subjectId,
      data,
      at: sql`clock_timestamp()`,
    })),
  );
}
