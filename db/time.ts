import { sql } from 'drizzle-orm';
import type { Db } from './client.ts';

/** What time it is for the database, which may not be what it is for this process. */
export async function databaseTime(db: Db): Promise<Date> {
  // Milliseconds since 1970, a number too large for the driver's integers.
  const [row] = await db.execute<{ now: string }>(
    sql`select (extract(epoch from now()) * 1000)::bigint::text as now`,
  );
  return new Date(Number(row?.now));
}
