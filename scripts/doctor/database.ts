import type { Db } from '../../db/client.ts';
import { databaseTrouble } from '../../db/problems.ts';
import { databaseFacts, type DatabaseFacts } from '../../db/rights.ts';
import { schemaProblem, schemaState } from '../../db/state.ts';
import { databaseTime } from '../../db/time.ts';
import { type DatabaseAddress, parseDatabaseUrl } from '../../db/url.ts';
import { failure, ok, warning, type Finding } from './check.ts';
import { clockFinding } from './clock.ts';
import { askDatabase } from './connection.ts';

/** Everpost is tested with the newest version; versions older than this get no security fixes any more. */
const OLDEST_MAJOR = 14;

/** Checks the version, rights and schema of the database, and its clock. @param url DATABASE_URL */
export async function examineDatabase(url: string): Promise<Finding[]> {
  try {
    return await askDatabase(url, async (db) => {
      const facts = await databaseFacts(db);
      const place = schemaPlace(facts);
      return [
        versionFinding(facts),
        ...(place === null ? await schemaFindings(db, facts) : [failure(place)]),
        ...rightsFindings(facts),
        await clock(db),
      ];
    });
  } catch (error) {
    return [failure(`${databaseTrouble(error)} (${namesOf(parseDatabaseUrl(url))})`)];
  }
}

/** Names for the operator to compare with the intended ones, without the password. */
function namesOf({ host, port, user, database }: DatabaseAddress): string {
  return `user ${user ?? 'of the system'}, database ${database ?? 'of that name'}, at ${host}:${port}`;
}

function versionFinding({ version }: DatabaseFacts): Finding {
  const text = `PostgreSQL ${version}`;
  return Number.parseInt(version, 10) >= OLDEST_MAJOR
    ? ok(text)
    : warning(`${text} is old: Everpost is tested with 18, take ${OLDEST_MAJOR} or newer`);
}

/** Why there is no place for the tables; null if there is one. */
function schemaPlace({ schema }: DatabaseFacts): string | null {
  return schema === null
    ? 'search_path names no schema that exists, or that this user may use: create one, grant usage of it, or name another in DATABASE_URL (?schema=...)'
    : null;
}

async function schemaFindings(db: Db, { missing }: DatabaseFacts): Promise<Finding[]> {
  const state = await schemaState(db);
  const problem = schemaProblem(state);
  if (problem !== null) return [failure(problem)];
  if (missing.length > 0)
    return [
      failure(
        `tables or views are gone that a migration has made (${some(missing)}): restore them from a backup`,
      ),
    ];
  switch (state.kind) {
    case 'newer':
      return [warning('a newer version has migrated the schema: bring this process to that version, too')];
    case 'unknown':
      return [
        warning(
          'the user may not see which migrations were applied: grant select on __drizzle_migrations, or run "npm run db:migrate" as its owner',
        ),
      ];
    default:
      return [ok('the schema is that of this version')];
  }
}

function rightsFindings({
  schema,
  user,
  encoding,
  mayCreate,
  forbidden,
  unreadable,
}: DatabaseFacts): Finding[] {
  return [
    ...(encoding === 'UTF8'
      ? []
      : [
          failure(
            `the encoding of the database is ${encoding}, which has no room for all texts: create one with encoding UTF8`,
          ),
        ]),
    ...(forbidden.length === 0
      ? []
      : [
          failure(
            `${user} may not read and write ${some(forbidden)}: grant select, insert, update and delete`,
          ),
        ]),
    ...(unreadable.length === 0 ? [] : [failure(`${user} may not read ${some(unreadable)}: grant select`)]),
    ...(mayCreate || schema === null
      ? []
      : [warning(`${user} may not create tables in schema ${schema}: run db:migrate as a user that may`)]),
  ];
}

async function clock(db: Db): Promise<Finding> {
  const asked = Date.now();
  const told = await databaseTime(db);
  return clockFinding('PostgreSQL', told.getTime() - (asked + Date.now()) / 2);
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
