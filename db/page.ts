import { type AnyColumn, type SQL, sql } from 'drizzle-orm';

/** A piece of a list that is ordered newest first. */
export interface Page {
  /** Rows wanted; queries return one more where the list goes on. */
  limit: number;
  /** The last row of the piece before; null: from the start. */
  cursor: { at: Date; id: string } | null;
}

/** The condition that a row comes after the cursor, in a list ordered by `at` and `id`, both descending. */
export function after({ cursor }: Page, at: AnyColumn, id: AnyColumn): SQL | undefined {
  if (cursor === null) return undefined;
  // PostgreSQL orders by microseconds, the cursor says milliseconds: the row itself knows the rest.
  const time = sql.identifier(at.name);
  const exact = sql`select ${time} from ${at.table} last where last.id = ${cursor.id}::uuid
    and date_trunc('milliseconds', last.${time}) = ${cursor.at.toISOString()}::timestamptz`;
  return sql`(${at}, ${id}) < (coalesce((${exact}), ${cursor.at.toISOString()}::timestamptz), ${cursor.id}::uuid)`;
}
