import type { ExtractTablesWithRelations } from 'drizzle-orm';
import { PgDatabase, type PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { openConnections } from './connections.ts';
import type * as schema from './schema.ts';
import { dialect, PoolSession } from './session.ts';
import { type DatabaseAddress, parseDatabaseUrl } from './url.ts';

/** The result of a raw statement: its rows. */
interface Rows extends PgQueryResultHKT {
  type: this['row'][];
}

/** A connection pool or a transaction on it: queries work with both. */
export type Db = Pick<
  PgDatabase<Rows, typeof schema>,
  | 'select'
  | 'selectDistinct'
  | 'selectDistinctOn'
  | 'insert'
  | 'update'
  | 'delete'
  | 'execute'
  | 'transaction'
>;

export interface Database {
  db: Db;
  /** Waits up to 5 s for running queries. */
  close(): Promise<void>;
}

/**
 * Opens a pool for the PostgreSQL at `url`. Connects lazily, and recovers by itself after the database was down.
 * @param max maximum number of connections, unless the URL sets one
 * @throws DatabaseUrlError
 */
export function openDatabase(url: string | DatabaseAddress, max = 10): Database {
  const connections = openConnections(typeof url === 'string' ? parseDatabaseUrl(url) : url, max);
  const db = new PgDatabase<Rows, typeof schema, ExtractTablesWithRelations<typeof schema>>(
    dialect,
    new PoolSession(connections),
    undefined,
  );
  return { db, close: () => connections.close() };
}
