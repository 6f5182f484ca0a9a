import { type AnyColumn, type SQL, sql } from 'drizzle-orm';

/** One page of a list, newest first. */
export interface Page {
  /** The number of rows wanted; queries return one more if the list goes on. */
  limit: number;
  /** The last row of the previous page; null for the first page. */
  cursor: { at: Date; id: string } | null;
}

/** The condition for rows after the cursor, in a list ordered by `at` and `id`, both descending. */
export function after({ cursor }: Page, at: AnyColumn, id: AnyColumn): SQL | undefined {
  if (cursor === null) return undefined;
  // PostgreSQL orders by microseconds but the cursor has milliseconds, so the exact time comes from the row itself.
  const time = sql.identifier(at.name);
  const exact = sql`select ${time} from ${at.table} last where last.id = ${cursor.id}::uuid
    and date_trunc('milliseconds', last.${time}) = ${cursor.at.toISOString()}::timestamptz`;
  return sql`(${at}, ${id}) < (coalesce((${exact}), ${cursor.at.toISOString()}::timestamptz), ${cursor.id}::uuid)`;
}
