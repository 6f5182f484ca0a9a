import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type SQL, sql } from 'drizzle-orm';
import { type Db, openDatabase } from './client.ts';
import { parseDatabaseUrl } from './url.ts';

/*
 * Applies db/migrations and records them like drizzle's own migrator, which needs the right to create schemas and keeps
 * its table in a schema `drizzle`. Ours needs nothing but the schema of the tables.
 */

const FOLDER = new URL('./migrations/', import.meta.url);

/** One file of db/migrations. */
interface Migration {
  name: string;
  /** Creation time in milliseconds; it decides the order. */
  when: number;
  hash: string;
  statements: readonly string[];
}

/** All migrations, oldest first. */
export function allMigrations(): Migration[] {
  const journal: { entries: { tag: string; when: number }[] } = JSON.parse(
    readFileSync(new URL('meta/_journal.json', FOLDER), 'utf8'),
  );
  return journal.entries.map(({ tag, when }) => {
    const text = readFileSync(new URL(`${tag}.sql`, FOLDER), 'utf8');
    return {
      name: tag,
      when,
      hash: createHash('sha256').update(text).digest('hex'),
      statements: text.split('--> statement-breakpoint'),
    };
  });
}

/**
 * Brings the database to the newest schema, all or nothing. Safe to repeat, and to run twice at once.
 * @returns the names of the applied migrations
 * @throws DatabaseUrlError, DatabaseUnreachable, Error
 */
export async function migrateDatabase(url: string): Promise<string[]> {
  const address = parseDatabaseUrl(url);
  // A migration may take as long as it needs.
  const database = openDatabase({ ...address, queryMs: 0 }, 1);
  const { db } = database;
  try {
    if (address.schema !== null) await ensureSchema(db, address.schema);
    return await db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(hashtext('everpost migrations'))`);
      const notes = (await findNotes(tx)) ?? (await createNotes(tx));
      const last = await lastNoted(tx, notes);
      const pending = allMigrations().filter(({ when }) => when > last);
      for (const { statements, hash, when } of pending) {
        for (const statement of statements) await tx.execute(sql.raw(inOwnSchema(statement)));
        await tx.execute(sql`insert into ${notes} (hash, created_at) values (${hash}, ${when})`);
      }
      return pending.map(({ name }) => name);
    });
  } finally {
    await database.close();
  }
}

/** drizzle-kit writes foreign keys as if all tables were in `public`. */
function inOwnSchema(statement: string): string {
  return statement.replaceAll('"public".', '');
}

async function ensureSchema(db: Db, schema: string): Promise<void> {
  const [found] = await db.execute(sql`select 1 from pg_namespace where nspname = ${schema}`);
  if (found === undefined) await db.execute(sql`create schema if not exists ${sql.identifier(schema)}`);
}

const NOTES = '__drizzle_migrations';

/**
 * The table of applied migrations: beside our tables, or in the schema `drizzle`, where older versions put it. The
 * latter may belong to another program, or to another installation in the same database.
 * @returns null if there is none of ours, or none that this role may read
 */
export async function findNotes(db: Db): Promise<SQL | null> {
  const places = await db.execute<{ schema: string; own: boolean }>(sql`
    select n.nspname as schema, n.nspname = current_schema() as own
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relname = ${NOTES} and n.nspname in (current_schema(), 'drizzle')
      and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
      and (n.nspname = current_schema() or to_regclass(quote_ident(current_schema()) || '.posts') is not null)
    order by own desc`);
  for (const { schema, own } of places) {
    const table = sql`${sql.identifier(schema)}.${sql.identifier(NOTES)}`;
    if (own || (await isOurs(db, table))) return table;
  }
  return null;
}

async function isOurs(db: Db, table: SQL): Promise<boolean> {
  const [first] = allMigrations();
  const [row] = await db.execute(sql`select 1 from ${table} where hash = ${first?.hash ?? ''}`);
  return row !== undefined;
}

async function createNotes(db: Db): Promise<SQL> {
  const [place] = await db.execute<{ schema: string | null }>(sql`select current_schema() as schema`);
  if (place === undefined || place.schema === null)
    throw new Error(
      'search_path names no existing schema: create one, or name one in DATABASE_URL (?schema=everpost)',
    );
  const table = sql`${sql.identifier(place.schema)}.${sql.identifier(NOTES)}`;
  await db.execute(sql`create table ${table} (id serial primary key, hash text not null, created_at bigint)`);
  return table;
}

/** The creation time of the newest applied migration; 0 if there is none. */
export async function lastNoted(db: Db, notes: SQL): Promise<number> {
  const [row] = await db.execute<{ last: string | null }>(sql`select max(created_at) as last from ${notes}`);
  return Number(row?.last ?? 0);
}
