import { getTableName, is, sql } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import type { Db } from './client.ts';
import * as schema from './schema.ts';

/** A PostgreSQL server, and what our role may do there. */
export interface DatabaseFacts {
  /** As in `18.1`. */
  version: string;
  user: string;
  /** Where new tables would be; null: `search_path` names no schema that exists. */
  schema: string | null;
  /** Whether migrations can make tables there. */
  mayCreate: boolean;
  /** Only in UTF8 is there room for what people write. */
  encoding: string;
  /** Tables of ours that the role may not read or write. */
  forbidden: string[];
  /** Tables of ours that are not there. */
  missing: string[];
}

const TABLES = Object.values(schema).flatMap((one) => (is(one, PgTable) ? [getTableName(one)] : []));

/** Asks a server who it is, and what its user may do. @throws what the query throws */
export async function databaseFacts(db: Db): Promise<DatabaseFacts> {
  const [facts] = await db.execute<
    Omit<DatabaseFacts, 'forbidden' | 'missing'> & Record<string, unknown>
  >(sql`
    select current_setting('server_version') as version, current_user as "user", current_schema() as schema,
      coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayCreate",
      current_setting('server_encoding') as encoding`);
  if (facts === undefined) throw new Error('PostgreSQL does not say who it is');
  return { ...facts, forbidden: await forbiddenTables(db), missing: await missingTables(db) };
}

async function missingTables(db: Db): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select name from unnest(${sql.param(TABLES)}::text[]) as ours (name)
    where to_regclass(quote_ident(name)) is null order by name`);
  return rows.map(({ name }) => name);
}

/** Tables of ours that the role may not read or write; those that do not exist are none of them. */
export async function forbiddenTables(db: Db): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select name from unnest(${sql.param(TABLES)}::text[]) as ours (name)
    where not (
      has_table_privilege(to_regclass(quote_ident(name)), 'select') and has_table_privilege(to_regclass(quote_ident(name)), 'insert')
      and has_table_privilege(to_regclass(quote_ident(name)), 'update') and has_table_privilege(to_regclass(quote_ident(name)), 'delete'))
    order by name`);
  return rows.map(({ name }) => name);
}
