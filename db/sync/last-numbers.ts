import { sql } from 'drizzle-orm';
import type { Hint } from '../../reading.ts';
import type { Db } from '../client.ts';
import type { CopyTable } from '../provider-tables.ts';
import { syncSubjects } from '../schema.ts';
import { recordChanges } from './changes.ts';
import { storeMediaInsights } from './insights.ts';
import { mergeMetrics } from './metrics.ts';

/**
 * Stores the numbers of a media that has ended, as an event tells them: they count as its last read, so that it is not
 * one whose numbers were missed.
 */
export async function storeLastNumbers(
  tx: Db,
  owner: { userId: string; accountId: string },
  media: CopyTable,
  subject: string,
  { insights, state }: NonNullable<Hint['last']>,
): Promise<void> {
  const { userId, accountId } = owner;
  const numbers = insights.map((one) => ({ ...one, subject }));
  const moved = await storeMediaInsights(tx, owner, numbers, 'webhook', null);
  const row = await mergeMetrics(tx, media, accountId, subject, insights);
  const read = { metricsState: state, lastReadAt: sql`now()`, complete: true };
  await tx
    .insert(syncSubjects)
    .values({ userId, oauthAccountId: accountId, stream: 'media_insights', subjectId: subject, ...read })
    .onConflictDoUpdate({
      target: [syncSubjects.oauthAccountId, syncSubjects.stream, syncSubjects.subjectId],
      set: read,
    });
  if (moved.length > 0 && row !== null)
    await recordChanges(tx, owner, [
      {
        kind: 'insights.updated',
        subjectTable: row.table,
        subjectId: row.id,
        data: { providerMediaId: subject },
      },
    ]);
}
