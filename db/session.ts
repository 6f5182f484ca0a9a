import { DrizzleQueryError } from 'drizzle-orm/errors';
import { NodePgSession, NodePgTransaction } from 'drizzle-orm/node-postgres';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { Client } from 'pg';
import { type Connections, type Held, leavesInOrder, type Queryable } from './connections.ts';
import type * as schema from './schema.ts';

/*
 * Connects drizzle to our connection pool. Drizzle's own session loses the connection of a transaction that cannot
 * begin.
 */

const dialect = new PgDialect();
type Transaction = NodePgTransaction<typeof schema, Record<string, never>>;

/** Runs the statements that drizzle builds. */
class Statements extends NodePgSession<typeof schema, Record<string, never>> {
  constructor(on: Queryable) {
    const query = async (...statement: Parameters<Queryable['query']>): Promise<unknown> => {
      const { rows } = [await on.query(...statement)].flat().at(-1) ?? { rows: [] };
      // `execute` answers with the rows themselves; drizzle looks for `rows` in them.
      return Object.defineProperty(rows, 'rows', { value: rows });
    };
    // Except for transactions, drizzle's session only calls its client's `query`.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    super({ query } as unknown as Client, dialect, undefined);
  }
}

/** The session of a pool. */
export class PoolSession extends Statements {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    super(connections);
    this.#connections = connections;
  }

  /**
   * Commits all of `work` on one connection, or rolls all of it back.
   * @throws what `work` throws; Error if `work` hid a failed statement, so that nothing was committed
   */
  override async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const held = await this.#connections.hold();
    let keep = false;
    try {
      await held.query({ text: 'begin' });
      const result = await work(new NodePgTransaction(dialect, new Statements(held), undefined));
      const { command } = await held.query({ text: 'commit' });
      if (command !== 'COMMIT')
        throw new Error('the transaction was rolled back, because a statement in it had failed');
      keep = true;
      return result;
    } catch (error) {
      // Roll back even if the connection is not kept: when the caller sees the error, the locks are gone.
      const isInOrder = !(error instanceof DrizzleQueryError) || leavesInOrder(error.cause);
      keep = (await rolledBack(held)) && isInOrder;
      throw error;
    } finally {
      held.release(keep);
    }
  }
}

/** A connection that does not even answer this is closed. */
const ROLLBACK = { text: 'rollback', query_timeout: 2_000 };

async function rolledBack(held: Held): Promise<boolean> {
  return held.query(ROLLBACK).then(
    () => true,
    () => false,
  );
}

export { dialect };
