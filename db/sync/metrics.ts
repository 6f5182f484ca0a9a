import { getTableName, sql } from 'drizzle-orm';
import type { Insight } from '../../reading.ts';
import type { Db } from '../client.ts';
import type { CopyTable } from '../provider-tables.ts';
import { columnOf } from './copy-columns.ts';

/**
 * Adds the newest numbers of a media to its copy.
 * @returns the copy; null: there is none, or its table keeps numbers in columns of their own
 */
export async function mergeMetrics(
  tx: Db,
  media: CopyTable,
  accountId: string,
  mediaId: string,
  insights: readonly Insight[],
): Promise<{ table: string; id: string } | null> {
  if (!('metricsJson' in media.table)) return null;
  const whole = insights.filter(({ breakdown }) => breakdown === '');
  const numbers = Object.fromEntries(whole.map(({ metric, value }) => [metric, value]));
  const table = getTableName(media.table);
  const [row] = await tx.execute<{ id: string }>(sql`
    update ${sql.identifier(table)} set metrics_json = metrics_json || ${JSON.stringify(numbers)}::jsonb
    where ${media.ofAccount(accountId)} and ${columnOf(media.table, media.key)} = ${mediaId}
    returning id`);
  return row === undefined ? null : { table, id: row.id };
}
