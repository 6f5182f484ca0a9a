import { getTableColumns, getTableName, is, sql } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { openDatabase, type Db } from '../../db/client.ts';
import * as schema from '../../db/schema.ts';
import { failure, ok, warning, type Finding } from './check.ts';
import { clockFinding } from './clock.ts';

/** Everpost is tested with the newest; older ones than this get no security fixes any more. */
const OLDEST_MAJOR = 14;
const TABLES = Object.values(schema).flatMap((one) => (is(one, PgTable) ? [one] : []));
const MIGRATE = 'run "npm run db:migrate"';

interface Facts extends Record<string, unknown> {
  version: string;
  role: string;
  place: string | null;
  may_create: boolean;
  /** Milliseconds since 1970, a number too large for the driver's integers. */
  now: string;
}

/** Version, rights and schema of the database, and its clock. @param url DATABASE_URL */
export async function examineDatabase(url: string): Promise<Finding[]> {
  const database = openDatabase(url, 1);
  try {
    const asked = Date.now();
    const [facts] = await database.db.execute<Facts>(sql`
      select current_setting('server_version') as version, current_user as role, current_schema() as place,
        coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
        (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now`);
    if (facts === undefined) return [failure('PostgreSQL answers without saying who it is')];
    return [
      versionFinding(facts.version),
      ...rightsFindings(facts),
      ...(await schemaFindings(database.db)),
      clockFinding('PostgreSQL', Number(facts.now) - (asked + Date.now()) / 2),
    ];
  } catch (error) {
    return [failure(unreachable(error))];
  } finally {
    await database.close();
  }
}

function versionFinding(version: string): Finding {
  const text = `PostgreSQL ${version}`;
  return Number.parseInt(version, 10) >= OLDEST_MAJOR
    ? ok(text)
    : warning(`${text} is old: Everpost is tested with 18, take ${OLDEST_MAJOR} or newer`);
}

function rightsFindings({ place, role, may_create: mayCreate }: Facts): Finding[] {
  if (place === null)
    return [failure('search_path names no schema that exists: create one, or name it in DATABASE_URL')];
  return mayCreate
    ? []
    : [warning(`${role} may not create tables in schema ${place}: run db:migrate as a role that may`)];
}

/** Compares what is there with db/schema.ts, whatever has made it. */
async function schemaFindings(db: Db): Promise<Finding[]> {
  const rows = await db.execute<{ name: string; columns: string[]; usable: boolean }>(sql`
    select c.relname as name,
      (select array_agg(a.attname::text) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
        and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete') as usable
    from pg_class c where c.relkind in ('r', 'p') and pg_table_is_visible(c.oid)`);
  const there = new Map(rows.map((row) => [row.name, row]));
  const missing = TABLES.map((table) => getTableName(table)).filter((name) => !there.has(name));
  if (missing.length === TABLES.length) return [failure(`there are no tables of Everpost: ${MIGRATE}`)];
  const columns = TABLES.flatMap((table) => {
    const name = getTableName(table);
    const known = there.get(name)?.columns;
    if (known === undefined) return [];
    const wanted = Object.values(getTableColumns(table)).map((column) => column.name);
    return wanted.filter((column) => !known.includes(column)).map((column) => `${name}.${column}`);
  });
  const absent = [...missing, ...columns];
  const forbidden = TABLES.map((table) => getTableName(table)).filter(
    (name) => there.get(name)?.usable === false,
  );
  return [
    absent.length === 0
      ? ok('the schema is that of this version')
      : failure(`the schema is older (${some(absent)} missing): ${MIGRATE}`),
    ...(forbidden.length === 0
      ? []
      : [
          failure(
            `the role may not read and write ${some(forbidden)}: grant select, insert, update and delete`,
          ),
        ]),
  ];
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

/** The driver's words, which name addresses and users, never a password. */
function unreachable(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const why = cause instanceof Error ? cause.message || cause.name : 'unknown';
  return `PostgreSQL cannot be used (${why}): check DATABASE_URL, and that the server is up and lets this machine in`;
}
