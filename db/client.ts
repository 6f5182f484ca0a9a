import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema.ts';

/** A connection pool, or a transaction on it: queries do not care which. */
export type Db = Pick<
  PostgresJsDatabase<typeof schema>,
  'select' | 'selectDistinct' | 'insert' | 'update' | 'delete' | 'execute' | 'transaction'
>;

/** Pause before a lost connection is made again, in seconds: an outage ends when the database is back, not later. */
const RECONNECT_S = 0.2;

export interface Database {
  db: Db;
  /** Waits up to 5 s for queries under way. */
  close(): Promise<void>;
}

/**
 * Opens a pool on the PostgreSQL at `url`. Connects lazily.
 * @param max most connections at once
 */
export function openDatabase(url: string, max = 10): Database {
  // Connecting gives up after 2 s, so that an API caller hears 503 instead of waiting.
  const client = postgres(url, { max, connect_timeout: 2, backoff: () => RECONNECT_S, onnotice: () => {} });
  return { db: drizzle(client, { schema }), close: () => client.end({ timeout: 5 }) };
}
