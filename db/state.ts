import { sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { allMigrations, findNotes, lastNoted } from './migrate.ts';

/* Whether this version can work with a database; `/readyz`, workers and operators ask. */

/** A database's schema compared to this version. */
export type SchemaState =
  | { kind: 'current' }
  /** There are no Everpost tables. */
  | { kind: 'missing' }
  | { kind: 'older'; pending: readonly string[] }
  /** A newer version has migrated the database while this one is still running; successive versions are compatible. */
  | { kind: 'newer' }
  /** There are Everpost tables, but this role may not see the applied migrations. */
  | { kind: 'unknown' };

/** Compares the applied migrations with ours. @throws the query's errors */
export async function schemaState(db: Db): Promise<SchemaState> {
  const [row] = await db.execute<{ here: boolean }>(sql`select to_regclass('posts') is not null as here`);
  const notes = await findNotes(db);
  if (row?.here !== true) return { kind: 'missing' };
  if (notes === null) return { kind: 'unknown' };
  const last = await lastNoted(db, notes);
  const all = allMigrations();
  const pending = all.filter(({ when }) => when > last).map(({ name }) => name);
  if (pending.length > 0) return { kind: 'older', pending };
  return { kind: last > (all.at(-1)?.when ?? 0) ? 'newer' : 'current' };
}

/** Why work must wait, and the remedy; null if the schema is current. */
export function schemaProblem(state: SchemaState): string | null {
  switch (state.kind) {
    case 'missing':
      return 'the database has no tables of Everpost in its search_path: run "npm run db:migrate"';
    case 'older':
      return `the database has an older schema (${state.pending.length} migrations are missing, from ${state.pending[0]}): run "npm run db:migrate"`;
    case 'current':
    case 'newer':
    case 'unknown':
      return null;
  }
}
