import { DatabaseError } from 'pg';
import type { Db } from './client.ts';
import { UnfitServer } from './connections.ts';
import { forbiddenTables, unreadableViews } from './rights.ts';
import { schemaProblem, schemaState } from './state.ts';

/* Why a database is unusable, in words that `/readyz` may show to anyone: no name, no address. */

const BY_CODE: Readonly<Record<string, string>> = {
  '28P01': 'PostgreSQL rejects the password: check DATABASE_URL',
  '28000': 'PostgreSQL rejects the login: check the user in DATABASE_URL, and pg_hba.conf',
  '3D000': 'the database of DATABASE_URL does not exist: create it, then run "npm run db:migrate"',
  '42501':
    'the user of DATABASE_URL has no access to the tables of Everpost: grant it usage of their schema, and select, insert, update and delete on them (views: select)',
  '53300': 'PostgreSQL accepts no more connections: raise max_connections or the role’s limit',
  ENOTFOUND: 'the host of DATABASE_URL does not resolve: check its spelling and your DNS',
  ECONNREFUSED:
    'PostgreSQL does not answer: nothing listens at the address of DATABASE_URL. Start PostgreSQL, or check DATABASE_URL',
};
const NO_ANSWER =
  'PostgreSQL does not answer: check the host and port of DATABASE_URL, that the server is up, and that no firewall blocks it';

/** Why the database is unusable; null if it is usable. */
export async function databaseProblem(db: Db): Promise<string | null> {
  try {
    return (
      schemaProblem(await schemaState(db)) ??
      rightsProblem(await forbiddenTables(db)) ??
      viewsProblem(await unreadableViews(db))
    );
  } catch (error) {
    return databaseTrouble(error);
  }
}

function rightsProblem(forbidden: readonly string[]): string | null {
  if (forbidden.length === 0) return null;
  return `the user of DATABASE_URL may not read and write all tables of Everpost (${forbidden.join(', ')}): grant it select, insert, update and delete`;
}

function viewsProblem(unreadable: readonly string[]): string | null {
  if (unreadable.length === 0) return null;
  return `the user of DATABASE_URL may not read all views of Everpost (${unreadable.join(', ')}): grant it select on them`;
}

/** The problem behind a query's error, and the remedy. */
export function databaseTrouble(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof UnfitServer) return cause.message;
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
    const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
    if (known !== undefined) return known;
    if (cause instanceof DatabaseError) return `PostgreSQL refuses to work (SQLSTATE ${code}): check its log`;
    if (/SSL|certificate/i.test(cause.message) || /CERT|TLS|SIGNATURE/.test(code))
      return `the TLS connection to PostgreSQL fails (${code || 'the server does not offer it'}): check sslmode and sslrootcert in DATABASE_URL`;
  }
  return NO_ANSWER;
}
