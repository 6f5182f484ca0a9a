import { getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';

/** A column of a table by its property's name. @throws Error if there is none: a provider names a wrong column */
export function columnOf(table: PgTable, property: string): PgColumn {
  const column: PgColumn | undefined = getTableColumns(table)[property];
  if (column === undefined) throw new Error(`${getTableName(table)} has no column ${property}`);
  return column;
}

/** Its name alone, quoted. */
export const nameOf = (table: PgTable, property: string): SQL =>
  sql`${sql.identifier(columnOf(table, property).name)}`;

/** Its PostgreSQL type. */
export const typeOf = (table: PgTable, property: string): SQL =>
  sql.raw(columnOf(table, property).getSQLType());

/** A value as PostgreSQL reads it from text. */
export function written(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}
