import type { ExtractTablesWithRelations } from 'drizzle-orm';
import { PgDatabase, type PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { openConnections } from './connections.ts';
import type * as schema from './schema.ts';
import { dialect, PoolSession } from './session.ts';
import { type DatabaseAddress, parseDatabaseUrl } from './url.ts';

/** What a statement answers that builds no result of its own: its rows. */
interface Rows extends PgQueryResultHKT {
  type: this['row'][];
}

/** A connection pool, or a transaction on it: queries do not care which. */
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
  /** Waits up to 5 s for queries under way. */
  close(): Promise<void>;
}

/**
 * Opens a pool on the PostgreSQL at `url`. Connects lazily, and heals by itself when the database was away.
 * @param max most connections at once, unless the URL says how many
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
