import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { inject } from 'vitest';
import { type Db, openDatabase } from '../../db/client.ts';
import { allMigrations } from '../../db/migrate.ts';

/* A database as an older version of Everpost left it. */

const NOTES = '__drizzle_migrations';

/** A new database with the schema of this migration. @returns its URL */
export async function createDatabaseAt(name: string, last: string): Promise<string> {
  const url = new URL(inject('postgresUrl'));
  url.pathname = '/postgres';
  const admin = postgres(url.href, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  await admin.end();
  url.pathname = `/${name}`;
  const database = openDatabase(url.href, 1);
  const { db } = database;
  await db.execute(
    sql`create table ${sql.identifier(NOTES)} (id serial primary key, hash text not null, created_at bigint)`,
  );
  const all = allMigrations();
  const end = all.findIndex((migration) => migration.name === last);
  if (end === -1) throw new Error(`there is no migration ${last}`);
  for (const { statements, hash, when } of all.slice(0, end + 1)) {
    for (const statement of statements) await db.execute(sql.raw(statement));
    await db.execute(sql`insert into ${sql.identifier(NOTES)} (hash, created_at) values (${hash}, ${when})`);
  }
  await database.close();
  return url.href;
}

/** Copies all rows into an older database: what it has no table or column for is left out. */
export async function copyRows(from: Db, to: Db): Promise<void> {
  const tables = await to.execute<{ name: string }>(sql`
    select tablename as name from pg_tables where schemaname = 'public' and tablename <> ${NOTES}`);
  await to.transaction(async (tx) => {
    // Rows may refer to those of tables that are copied later.
    await tx.execute(sql`set local session_replication_role = replica`);
    for (const { name } of tables) {
      const table = sql.identifier(name);
      const [all] = await from.execute<{ rows: string | null }>(
        sql`select json_agg(t)::text as rows from ${table} t`,
      );
      if (all?.rows != null)
        await tx.execute(sql`
          insert into ${table} overriding system value
          select * from json_populate_recordset(null::${table}, ${all.rows}::json)
          on conflict do nothing`);
    }
  });
}
