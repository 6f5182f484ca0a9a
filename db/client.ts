import { setImmediate } from 'node:timers/promises';
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
  Object.assign(client, { begin: beginOn(client), unsafe: prepare(client) });
  return { db: drizzle(client, { schema }), close: () => client.end({ timeout: 5 }) };
}

/**
 * `begin` that survives the end of its connection. The driver would then write `rollback`, or the next statement, to a
 * socket that is gone, and throw where nobody can catch it (porsager/postgres#1208): one lost connection would end the
 * process.
 */
function beginOn(client: postgres.Sql) {
  const begin = client.begin.bind(client);
  return <T>(work: (tx: postgres.TransactionSql) => Promise<T>): Promise<unknown> => {
    let over = false;
    const unlessOver = (tx: postgres.TransactionSql): postgres.ISql['unsafe'] => {
      const unsafe = prepare(tx);
      return (...statement) => {
        if (over) throw new Error('the connection of this transaction has ended');
        return unsafe(...statement);
      };
    };
    const done = begin((tx) =>
      work(Object.assign(tx, { unsafe: unlessOver(tx) })).catch(async (error: unknown) => {
        // The end of the connection is told right after the end of its query.
        await setImmediate();
        // There is nothing to roll back, and `done` has been rejected with the connection's end.
        if (over) return new Promise<never>(() => {});
        throw error;
      }),
    );
    done.catch(() => (over = true));
    return done;
  };
}

/**
 * `unsafe`, by which drizzle sends all that it builds, with a prepared statement for each text: parsed once for a
 * connection, and one round trip instead of two. Lists whose length varies go into one array, or each length would be kept.
 */
function prepare(client: postgres.ISql): postgres.ISql['unsafe'] {
  const unsafe = client.unsafe.bind(client);
  return (query, parameters, options) => unsafe(query, parameters, { ...options, prepare: true });
}
