import { getTableName, getViewName, is, sql } from 'drizzle-orm';
import { PgTable, PgView } from 'drizzle-orm/pg-core';
import type { Db } from './client.ts';
import * as schema from './schema.ts';

/** A PostgreSQL server, and the rights of our role there. */
export interface DatabaseFacts {
  /** For example `18.1`. */
  version: string;
  user: string;
  /** The schema for new tables; null if `search_path` names no existing schema. */
  schema: string | null;
  /** Whether migrations can create tables there. */
  mayCreate: boolean;
  /** Must be UTF8: no other encoding can store all that users write. */
  encoding: string;
  /** Everpost tables that the role may not read or write. */
  forbidden: string[];
  /** Everpost views that the role may not read. */
  unreadable: string[];
  /** Everpost tables and views that do not exist. */
  missing: string[];
}

const TABLES = Object.values(schema).flatMap((one) => (is(one, PgTable) ? [getTableName(one)] : []));
const VIEWS = Object.values(schema).flatMap((one) => (is(one, PgView) ? [getViewName(one)] : []));

/** Reads a server's version and its user's rights. @throws the query's errors */
export async function databaseFacts(db: Db): Promise<DatabaseFacts> {
  const [facts] = await db.execute<
    Omit<DatabaseFacts, 'forbidden' | 'unreadable' | 'missing'> & Record<string, unknown>
  >(sql`
    select current_setting('server_version') as version, current_user as "user", current_schema() as schema,
      coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayCreate",
      current_setting('server_encoding') as encoding`);
  if (facts === undefined) throw new Error('PostgreSQL does not say who it is');
  return {
    ...facts,
    forbidden: await forbiddenTables(db),
    unreadable: await unreadableViews(db),
    missing: await missingRelations(db),
  };
}

async function missingRelations(db: Db): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select name from unnest(${sql.param([...TABLES, ...VIEWS])}::text[]) as ours (name)
    where to_regclass(quote_ident(name)) is null order by name`);
  return rows.map(({ name }) => name);
}

/** Everpost tables that the role may not read or write, except those that do not exist. */
export async function forbiddenTables(db: Db): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select name from unnest(${sql.param(TABLES)}::text[]) as ours (name)
    where not (
      has_table_privilege(to_regclass(quote_ident(name)), 'select') and has_table_privilege(to_regclass(quote_ident(name)), 'insert')
      and has_table_privilege(to_regclass(quote_ident(name)), 'update') and has_table_privilege(to_regclass(quote_ident(name)), 'delete'))
    order by name`);
  return rows.map(({ name }) => name);
}

/** Everpost views that the role may not read, except those that do not exist. Everpost writes to no view. */
export async function unreadableViews(db: Db): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select name from unnest(${sql.param(VIEWS)}::text[]) as ours (name)
    where not has_table_privilege(to_regclass(quote_ident(name)), 'select') order by name`);
  return rows.map(({ name }) => name);
}
