import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { sql } from 'drizzle-orm';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Db, openDatabase } from '../db/client.ts';
import { DatabaseUnreachable } from '../db/connections.ts';

/*
 * Connections die one by one, at any moment: each query settles, the next one works, and nothing throws where nobody
 * can catch it (an uncaught exception would fail the run).
 */

/** Not the database that other files clone: cloning needs a database without connections. */
function postgresUrl(): string {
  const url = new URL(inject('postgresUrl'));
  url.pathname = '/postgres';
  return url.href;
}

/** Terminates other clients' backends. */
let admin: Client;
beforeAll(async () => {
  admin = new Client({ connectionString: postgresUrl() });
  await admin.connect();
});
afterAll(() => admin?.end());

/** The pool of one process, with its own name, by which its backends can be found. */
function open(parameters = '', max = 4): { db: Db; name: string } {
  const name = `c${randomBytes(6).toString('hex')}`;
  const url = `${postgresUrl()}?application_name=${name}${parameters}`;
  const database = openDatabase(url, max);
  onTestFinished(() => database.close());
  return { db: database.db, name };
}

const backends = async (name: string): Promise<number[]> => {
  const { rows } = await admin.query<{ pid: number }>(
    'select pid from pg_stat_activity where application_name = $1',
    [name],
  );
  return rows.map(({ pid }) => pid);
};

/**
 * Terminates each backend of a pool as soon as it appears. @returns a function that stops this and returns the count
 */
function endAll(name: string): () => Promise<number> {
  const stop = new AbortController();
  let ended = 0;
  const work = (async () => {
    while (!stop.signal.aborted) {
      const { rowCount } = await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
        [name],
      );
      ended += rowCount ?? 0;
    }
  })();
  return async () => {
    stop.abort();
    await work;
    return ended;
  };
}

/** The end of a piece of work: it must not hang. */
async function settled(work: Promise<unknown>): Promise<'done' | 'unreachable'> {
  try {
    await work;
    return 'done';
  } catch (error) {
    for (let cause = error; cause instanceof Error; cause = cause.cause)
      if (cause instanceof DatabaseUnreachable) return 'unreachable';
    throw error;
  }
}

/** The database behind a connection that can be paused: from then on bytes are held back. */
async function behindWire(parameters: string) {
  const { port, hostname } = new URL(postgresUrl());
  const sockets = new Set<Socket>();
  const wire = { held: false };
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.on('data', (bytes) => wire.held || to.write(bytes));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(postgresUrl());
  url.port = String(typeof address === 'object' ? address?.port : '');
  const database = openDatabase(`${url.href}?${parameters}`, 2);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await database.close();
  });
  return { db: database.db, wire };
}

describe('backends that end one by one', () => {
  test('Each query and each transaction settles although every new backend is terminated, and the pool recovers.', async () => {
    const { db, name } = open();
    const stop = endAll(name);
    const outcomes: string[] = [];
    const one = async (kind: number): Promise<void> => {
      const work = [
        () => db.execute(sql`select ${sql.param(['a', 'b'])}::text[]`),
        () =>
          db.transaction(async (tx) => {
            await tx.execute(sql`select ${1}::int`);
            await tx.execute(sql`select ${2}::int`);
          }),
        () => db.execute(sql`select pg_sleep(${0.01}::float8)`),
      ][kind % 3];
      outcomes.push(await settled(Promise.resolve(work?.())));
    };
    for (let round = 0; round < 40; round += 1) await Promise.all([0, 1, 2, 3, 4, 5].map(one));
    expect(await stop()).toBeGreaterThan(20);
    expect(outcomes.length).toBe(240);
    expect(outcomes).toContain('unreachable');
    expect(await settled(Promise.resolve(db.execute(sql`select 1`)))).toBe('done');
  });

  test('A transaction that loses its connection frees its place: the pool does not run dry.', async () => {
    const { db, name } = open('', 2);
    for (let round = 0; round < 6; round += 1) {
      const transaction = db.transaction(async (tx) => {
        await tx.execute(sql`select 1`);
        await admin.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
          [name],
        );
        await tx.execute(sql`select 2`);
      });
      expect(await settled(transaction)).toBe('unreachable');
    }
    expect(await db.execute(sql`select 3 as three`)).toEqual([{ three: 3 }]);
  });

  test('An idle backend that ends is replaced without an error.', async () => {
    const { db, name } = open('', 1);
    await db.execute(sql`select 1`);
    const [first] = await backends(name);
    await admin.query('select pg_terminate_backend($1)', [first]);
    await expect.poll(() => backends(name)).not.toContain(first);
    expect(await db.execute(sql`select 2 as two`)).toEqual([{ two: 2 }]);
  });

  test('The server’s idle_session_timeout and statement_timeout affect only the query that they end.', async () => {
    const { db } = open('&options=-c%20idle_session_timeout%3D50%20-c%20statement_timeout%3D100', 1);
    expect(await settled(Promise.resolve(db.execute(sql`select pg_sleep(5)`)))).toBe('unreachable');
    for (let round = 0; round < 5; round += 1) {
      expect(await db.execute(sql`select ${round}::int as round`)).toEqual([{ round }]);
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
  });
});

describe('a server that does not answer', () => {
  test('A query without an answer is abandoned with its connection, and the pool recovers with the network.', async () => {
    const { db, wire } = await behindWire('socket_timeout=1');
    await db.execute(sql`select 1`);
    wire.held = true;
    const lost = [
      db.execute(sql`select 1`),
      db.transaction((tx) => tx.execute(sql`select 1`)),
      db.execute(sql`select 1`),
    ];
    expect(await Promise.all(lost.map((one) => settled(Promise.resolve(one))))).toEqual(
      lost.map(() => 'unreachable'),
    );
    wire.held = false;
    expect(await settled(Promise.resolve(db.execute(sql`select 1`)))).toBe('done');
  });
});

describe('transactions', () => {
  test('Statements before a hidden failure do not count as committed.', async () => {
    const { db } = open();
    const swallowed = db.transaction(async (tx) => {
      await Promise.resolve(tx.execute(sql`select 1/0`)).catch(() => {});
    });
    await expect(swallowed).rejects.toThrow(/rolled back/);
  });

  test('A failed transaction throws its own error, not that of its rollback, and its locks are gone.', async () => {
    const { db } = open('', 2);
    const failing = db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(4711)`);
      throw new Error('as it was');
    });
    await expect(failing).rejects.toThrow('as it was');
    expect(await db.execute(sql`select pg_try_advisory_lock(4711) as free`)).toEqual([{ free: true }]);
  });
});

/** A value that cannot be serialized for the server. */
const unwritable = (error: Error) => ({
  toPostgres() {
    throw error;
  },
});
/** The server refuses it. */
const refused = (on: Pick<Db, 'execute'>) => on.execute(sql`select ${'no number'}::int`);

describe('a failed statement', () => {
  test.for([new RangeError('too long'), new TypeError('circular'), new Error('of ours')])(
    'with a bug of ours, %s, does not count as a database outage, and the pool continues.',
    async (fault) => {
      const { db } = open('', 1);
      const failed: unknown = await Promise.resolve(
        db.execute(sql`select ${unwritable(fault)}::text as text`),
      ).catch((error: unknown) => error);
      expect(failed).toMatchObject({ cause: fault });
      const inside: unknown = await db
        .transaction((tx) => tx.execute(sql`select ${unwritable(fault)}::text as text`))
        .catch((error: unknown) => error);
      expect(inside).toMatchObject({ cause: fault });
      for (const text of ['a', 'b'])
        expect(await db.execute(sql`select ${text}::text as text`)).toEqual([{ text }]);
    },
  );

  test('keeps its connection, alone and in a transaction.', async () => {
    const { db, name } = open('', 1);
    await db.execute(sql`select 1`);
    const [first] = await backends(name);
    await expect(Promise.resolve(refused(db))).rejects.toMatchObject({ cause: { code: '22P02' } });
    await expect(db.transaction(refused)).rejects.toMatchObject({ cause: { code: '22P02' } });
    expect(await db.execute(sql`select pg_backend_pid() as pid`)).toEqual([{ pid: first }]);
  });

  test('after a migration changed its table fails once, and gets a new connection.', async () => {
    const { db, name } = open('', 1);
    const table = sql.identifier(name);
    await db.execute(sql`create table ${table} (id int)`);
    onTestFinished(async () => {
      await admin.query(`drop table ${name}`);
    });
    const rows = () => Promise.resolve(db.execute(sql`select * from ${table} where id <> ${1}`));
    expect(await rows()).toEqual([]);
    await admin.query(`alter table ${name} add column more int`);
    await expect(rows()).rejects.toMatchObject({ cause: { code: '0A000' } });
    expect(await rows()).toEqual([]);
  });
});
