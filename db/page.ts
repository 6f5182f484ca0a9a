import { type AnyColumn, type SQL, sql } from 'drizzle-orm';

/** A piece of a list that is ordered newest first. */
export interface Page {
  /** Rows wanted; queries return one more where the list goes on. */
  limit: number;
  /** The last row of the piece before; null: from the start. */
  cursor: { at: Date; id: string } | null;
}

/** The condition that a row comes after the cursor. */
export function after({ cursor }: Page, at: AnyColumn, id: AnyColumn): SQL | undefined {
  // PostgreSQL keeps microseconds, JavaScript milliseconds: both sides are compared as the cursor can say them.
  return cursor === null
    ? undefined
    : sql`(date_trunc('milliseconds', ${at}), ${id}) < (${cursor.at.toISOString()}::timestamptz, ${cursor.id}::uuid)`;
}
