import { sql } from 'drizzle-orm';
import type { Db } from './client.ts';

/** The database's clock right now, as text with microseconds, for `read_at` of a copy. */
export async function databaseClock(db: Db): Promise<string> {
  const [row] = await db.execute<{ now: string }>(sql`select clock_timestamp()::text as now`);
  if (row === undefined) throw new Error('PostgreSQL does not say what time it is');
  return row.now;
}

/** The database's time, which may differ from this process's. */
export async function databaseTime(db: Db): Promise<Date> {
  // Milliseconds since 1970 are too large for the driver's integers.
  const [row] = await db.execute<{ now: string }>(
    sql`select (extract(epoch from now()) * 1000)::bigint::text as now`,
  );
  return new Date(Number(row?.now));
}
