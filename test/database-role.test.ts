import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openDatabase } from '../db/client.ts';
import { migrateDatabase } from '../db/migrate.ts';
import { databaseProblem } from '../db/problems.ts';
import { databaseFacts } from '../db/rights.ts';
import { schemaState } from '../db/state.ts';
import { users } from '../db/schema.ts';

/* A PostgreSQL of others: roles with rights on one schema only, and tables in another schema than `public`. */

const MIGRATIONS = 'db/migrations';
const unique = (letter: string): string => `${letter}${randomBytes(6).toString('hex')}`;

/** An empty database. @returns the URLs of its owner and of a role without rights, and a way to grant some */
async function emptyDatabase() {
  const [name, role, password] = [unique('d'), unique('r'), randomBytes(12).toString('hex')];
  const admin = new Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  await admin.query(`create database ${name} template template0`);
  await admin.query(`create role ${role} login password '${password}'`);
  await admin.query(
    `revoke all on database ${name} from public; grant connect on database ${name} to ${role}`,
  );
  onTestFinished(async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.query(`drop role ${role}`);
    await admin.end();
  });
  const own = new URL(inject('postgresUrl'));
  own.pathname = `/${name}`;
  const theirs = new URL(own);
  theirs.username = role;
  theirs.password = password;
  const asOwner = async (statement: string): Promise<void> => {
    const client = new Client({ connectionString: own.href });
    await client.connect();
    await client.query(statement.replaceAll('ROLE', role));
    await client.end();
  };
  return { own: own.href, theirs: theirs.href, role, asOwner };
}

/** Works like every process: reads, writes, checks the state. @returns the schema of the tables */
async function work(url: string): Promise<{ problem: string | null; state: string; schema: string }> {
  const database = openDatabase(url, 2);
  try {
    await database.db.insert(users).values({ email: `${unique('u')}@example.com` });
    const [row] = await database.db.execute<{ schema: string }>(sql`
      select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = 'posts'::regclass`);
    const { kind } = await schemaState(database.db);
    return { problem: await databaseProblem(database.db), state: kind, schema: row?.schema ?? '' };
  } finally {
    await database.close();
  }
}

const RIGHT = { problem: null, state: 'current' };

test.for<[string, string, string]>([
  [
    'by the role’s own search_path',
    'create schema app authorization ROLE; alter role ROLE set search_path = app',
    '',
  ],
  ['by ?schema=, as Prisma prints it', 'create schema app authorization ROLE', '?schema=app'],
  ['by ?search_path=', 'create schema app authorization ROLE', '?search_path=app'],
  ['by the server’s options', 'create schema app authorization ROLE', '?options=-c%20search_path%3Dapp'],
  ['by a schema of the role’s name', 'create schema ROLE authorization ROLE', ''],
  ['by a schema whose name needs quotes', 'create schema "My App" authorization ROLE', '?schema=My%20App'],
])(
  'A role with rights on one schema only is enough, %s: for the migrations and for all work.',
  async ([, prepare, query]) => {
    const { theirs, role, asOwner } = await emptyDatabase();
    await asOwner(`${prepare}; revoke all on schema public from public`);
    const all = await migrateDatabase(theirs + query);
    expect(all[0]).toBe('0000_start');
    expect(await migrateDatabase(theirs + query)).toEqual([]);
    const { schema, ...rest } = await work(theirs + query);
    expect(rest).toEqual(RIGHT);
    expect(schema).toBe(query.includes('My') ? 'My App' : prepare.includes('schema app') ? 'app' : role);
  },
);

test('The migration creates the URL’s missing schema, if the role may.', async () => {
  const { own } = await emptyDatabase();
  await migrateDatabase(`${own}?schema=fresh`);
  expect(await work(`${own}?schema=fresh`)).toEqual({ ...RIGHT, schema: 'fresh' });
});

test('Without a schema to write to, the migration says what to do.', async () => {
  const { theirs, asOwner } = await emptyDatabase();
  await asOwner('drop schema public');
  await expect(migrateDatabase(theirs)).rejects.toThrow(/search_path names no existing schema/);
});

test('A database set up by drizzle’s own migrator continues, even for a role without the right to create.', async () => {
  const { own, theirs, asOwner } = await emptyDatabase();
  const client = new Client({ connectionString: own });
  await client.connect();
  await migrate(drizzle(client), { migrationsFolder: MIGRATIONS });
  // The state before the last migration.
  await client.query(
    `delete from drizzle.__drizzle_migrations where id = (select max(id) from drizzle.__drizzle_migrations)`,
  );
  await client.end();
  const database = openDatabase(own, 1);
  expect((await schemaState(database.db)).kind).toBe('older');
  await asOwner(
    'insert into drizzle.__drizzle_migrations (hash, created_at) values (repeat($$0$$, 64), 9000000000000)',
  );
  expect((await schemaState(database.db)).kind).toBe('newer');
  await database.close();
  expect(await migrateDatabase(own)).toEqual([]);

  await asOwner('grant usage on schema public to ROLE; grant select on all tables in schema public to ROLE');
  const limited = openDatabase(theirs, 1);
  expect(await databaseProblem(limited.db)).toMatch(/may not read and write .*posts/);
  await limited.close();
  await asOwner(
    'grant usage on schema public to ROLE; grant select, insert, update, delete on all tables in schema public to ROLE',
  );
  expect(await work(theirs)).toEqual({ problem: null, state: 'unknown', schema: 'public' });
});

test('Two installations share one database, each in its own schema, beside another program’s drizzle.', async () => {
  const { own, theirs, asOwner } = await emptyDatabase();
  await asOwner(`
    create schema drizzle;
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
    insert into drizzle.__drizzle_migrations (hash, created_at) values ('another program', 9000000000000);
    create schema second authorization ROLE`);
  await migrateDatabase(own);
  await migrateDatabase(`${theirs}?schema=second`);
  expect(await work(own)).toEqual({ ...RIGHT, schema: 'public' });
  expect(await work(`${theirs}?schema=second`)).toEqual({ ...RIGHT, schema: 'second' });
  const ids = await Promise.all(
    [own, `${theirs}?schema=second`].map(async (url) => {
      const database = openDatabase(url, 1);
      const rows = await database.db.execute(sql`select count(*)::int as users from users`);
      await database.close();
      return rows;
    }),
  );
  expect(ids).toEqual([[{ users: 1 }], [{ users: 1 }]]);
});

test('sslmode=prefer works with a server without TLS, and pgbouncer=true without a pooler.', async () => {
  const { own } = await emptyDatabase();
  await migrateDatabase(`${own}?sslmode=prefer`);
  expect(await work(`${own}?sslmode=prefer`)).toMatchObject(RIGHT);
  expect(await work(`${own}?pgbouncer=true&connection_limit=1&schema=public`)).toMatchObject(RIGHT);
});

test('The doctor can ask for the server’s version and its user’s rights.', async () => {
  const { own, theirs, role } = await emptyDatabase();
  await migrateDatabase(own);
  const database = openDatabase(theirs, 1);
  const facts = await databaseFacts(database.db);
  await database.close();
  expect(facts).toMatchObject({ user: role, schema: 'public', mayCreate: false });
  expect(facts.version).toMatch(/^\d+/);
  expect(facts.forbidden).toContain('oauth_accounts');
});

test('A role that may not read the views is told which they are, and a view that is gone is named.', async () => {
  const { own, theirs, asOwner } = await emptyDatabase();
  await migrateDatabase(own);
  await asOwner(
    'grant usage on schema public to ROLE; grant select, insert, update, delete on all tables in schema public to ROLE',
  );
  await asOwner('revoke all on all_media, all_comments from ROLE');
  const database = openDatabase(theirs, 1);
  expect(await databaseProblem(database.db)).toBe(
    'the user of DATABASE_URL may not read all views of Everpost (all_comments, all_media): grant it select on them',
  );
  await asOwner('grant select on all_media to ROLE; drop view all_comments');
  expect(await databaseFacts(database.db)).toMatchObject({ unreadable: [], missing: ['all_comments'] });
  expect(await databaseProblem(database.db)).toBeNull();
  await database.close();
});

test('Two concurrent migrations run one after the other.', async () => {
  const { own } = await emptyDatabase();
  const both = await Promise.all([migrateDatabase(own), migrateDatabase(own)]);
  expect(both.filter((applied) => applied.length > 0).length).toBe(1);
});
