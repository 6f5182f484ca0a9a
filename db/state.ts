import { sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { allMigrations, findNotes, lastNoted } from './migrate.ts';

/* Whether a database is one that this version can work on; `/readyz`, workers and operators ask it. */

/** How the schema of a database stands to this version. */
export type SchemaState =
  | { kind: 'current' }
  /** There are no tables of ours. */
  | { kind: 'missing' }
  | { kind: 'older'; pending: readonly string[] }
  /** A newer version has migrated it, while this one is still up; versions that follow each other get along. */
  | { kind: 'newer' }
  /** There are tables of ours; this role may not see which migrations made them. */
  | { kind: 'unknown' };

/** Compares the migrations that were applied with ours. @throws what the query throws */
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

/** Why work must wait, and what to do about it; null: the schema is right. */
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
