import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  DatabaseError,
  escapeIdentifier,
  Pool,
  type PoolClient,
  type QueryConfig,
  type QueryResult,
} from 'pg';
import { MINUTE } from '../durations.ts';
import { offersTls } from './tls.ts';
import type { DatabaseAddress } from './url.ts';

/*
 * The connections to PostgreSQL. However a connection dies, every query settles, and the next one gets a new
 * connection.
 */

/** Connecting is abandoned after this time, so that an API client gets a 503 instead of waiting. */
const CONNECT_MS = 2_000;
/** Longest wait for a connection while all are in use. */
const WAIT_MS = 10_000;
/** A query without an answer for this long ends its connection: the network may have silently lost it. */
const QUERY_MS = 30_000;
/** How long a connection may take to close cleanly. */
const END_MS = 5_000;
const IDLE_MS = MINUTE;
/** Behind a name or a proxy the server may change: this bounds how long connections stay with the old one. */
const LIFE_S = 1_800;

/** A statement as drizzle hands it to the driver. */
type Statement = QueryConfig & { rowMode?: 'array' };

/** Runs statements. */
export interface Queryable {
  query(statement: Statement, values?: unknown[]): Promise<QueryResult>;
}

/** A connection for the exclusive use of one caller. */
export interface Held extends Queryable {
  /** @param keep whether others may use the connection: it works and is in no transaction */
  release(keep: boolean): void;
}

export interface Connections extends Queryable {
  hold(): Promise<Held>;
  /** Waits up to 5 s for running queries. */
  close(): Promise<void>;
}

/** PostgreSQL cannot be reached, or the connection was lost during a statement, which may have been carried out. */
export class DatabaseUnreachable extends Error {
  override readonly name = 'DatabaseUnreachable';

  constructor(cause: unknown) {
    super(`PostgreSQL cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** A server that answers, but cannot be used by Everpost; the message says what to do. */
export class UnfitServer extends Error {
  override readonly name = 'UnfitServer';
}

/**
 * SQLSTATEs about the server or the connection, not the statement: connection exceptions, refused logins, no such
 * database, insufficient resources, shutdown, statement_timeout, lock_timeout, a primary that has become a standby, and
 * prepared statements that a pooler has lost.
 */
const AWAY = /^(08|28|3D|53|57P|57014|55P03|25006|26000|42P05)/;

/** The driver's messages for a dead connection. */
const GONE = /^(Connection terminated|Query read timeout|Client (was closed|has encountered))/;
/** Our own errors, such as a value that cannot be serialised. Node.js gives some of them codes, too. */
const FAULTS = [TypeError, RangeError, SyntaxError, ReferenceError];
const isFault = (error: unknown): boolean => FAULTS.some((kind) => error instanceof kind);

/** Whether a statement failed because of its connection or the server, not because of its content. */
function isOfConnection(error: unknown): boolean {
  if (error instanceof DatabaseError) return AWAY.test(error.code ?? '');
  if (!(error instanceof Error) || isFault(error)) return false;
  // Errors of sockets and TLS have codes.
  return ('code' in error && typeof error.code === 'string') || GONE.test(error.message);
}

/** SQLSTATE of a prepared statement whose table has changed: it keeps failing on its connection. */
const STALE_PLAN = '0A000';

/**
 * Whether a connection can be used again after this error of a statement: the server answered, and nothing else is
 * wrong.
 */
export function leavesInOrder(error: unknown): boolean {
  return error instanceof DatabaseError && error.code !== STALE_PLAN;
}

/** How the next connection starts. A server's refusals and features change it. */
interface Startup {
  ssl: DatabaseAddress['tlsOptions'] | false;
  tlsIsSettled: boolean;
  /** Whether the startup message names the schema. */
  schema: boolean;
}

/** A pool, and all its open connections, idle or in use. */
function createPool(address: DatabaseAddress, most: number, startup: Startup) {
  const open = new Set<Client>();
  class Connection extends Client {
    constructor() {
      super({
        host: address.host,
        port: address.port,
        user: address.user,
        password: address.password,
        database: address.database,
        application_name: address.applicationName,
        ssl: startup.ssl,
        sslnegotiation: address.tlsDirect ? 'direct' : 'postgres',
        enableChannelBinding: address.channelBinding,
        options: optionsOf(address, startup.schema),
        keepAlive: true,
        connectionTimeoutMillis: address.connectMs ?? CONNECT_MS,
        query_timeout: address.queryMs ?? QUERY_MS,
      });
      // The running query fails with the same error. Without a listener the event would end the process.
      this.on('error', () => {});
      open.add(this);
      this.once('end', () => open.delete(this));
    }
  }

  const pool = new Pool({
    Client: Connection,
    max: address.connections ?? most,
    connectionTimeoutMillis: address.waitMs ?? WAIT_MS,
    idleTimeoutMillis: IDLE_MS,
    maxLifetimeSeconds: LIFE_S,
  });
  // An idle connection has ended: the pool has already removed it.
  pool.on('error', () => {});
  return { pool, open };
}

/**
 * A pool of connections. Connects lazily.
 * @param most connections at once, unless the address says how many
 */
export function openConnections(address: DatabaseAddress, most: number): Connections {
  const known = new WeakMap<PoolClient, { prepares: boolean }>();
  const startup: Startup = {
    ssl: address.tls === 'on' ? address.tlsOptions : false,
    tlsIsSettled: address.tls !== 'prefer',
    // A declared pooler takes no options (PgBouncer: "unsupported startup parameter").
    schema: !address.pooled,
  };
  const { pool, open } = createPool(address, most, startup);

  async function take(): Promise<PoolClient> {
    try {
      if (!startup.tlsIsSettled) {
        startup.ssl = (await offersTls(address, address.connectMs ?? CONNECT_MS))
          ? address.tlsOptions
          : false;
        startup.tlsIsSettled = true;
      }
      const client = await pool.connect();
      if (!known.has(client)) known.set(client, await meet(client, address));
      return client;
    } catch (error) {
      if (!startup.schema || address.schema === null || !refusesOptions(error))
        throw isFault(error) || error instanceof DatabaseUnreachable ? error : new DatabaseUnreachable(error);
      // A pooler: its role may have the schema as its `search_path`, which `meet` checks.
      startup.schema = false;
      return take();
    }
  }

  async function run(client: PoolClient, statement: Statement, values?: unknown[]): Promise<QueryResult> {
    try {
      const { prepares } = known.get(client) ?? { prepares: false };
      // Without parameters a text may hold several statements, which cannot be prepared.
      const named = prepares && (values?.length ?? 0) > 0;
      return await client.query(named ? { ...statement, name: nameOf(statement.text) } : statement, values);
    } catch (error) {
      throw isOfConnection(error) ? new DatabaseUnreachable(error) : error;
    }
  }

  return {
    async query(statement, values) {
      const client = await take();
      let keep = false;
      try {
        const result = await run(client, statement, values);
        keep = true;
        return result;
      } catch (error) {
        keep = leavesInOrder(error);
        throw error;
      } finally {
        client.release(!keep);
      }
    },
    async hold() {
      const client = await take();
      return {
        query: (statement, values) => run(client, statement, values),
        release: (keep) => client.release(!keep),
      };
    },
    async close() {
      const ended = pool.end();
      await Promise.race([ended, sleep(END_MS, undefined, { ref: false })]);
      await Promise.all([...open].map((connection) => connection.end()));
    },
  };
}

interface Greeting {
  pid: number;
  standby: boolean;
  schema: string | null;
}
const GREETING = 'select pg_backend_pid() as pid, pg_is_in_recovery() as standby, current_schema() as schema';

/** Checks the server, once for each connection. @returns whether it keeps prepared statements. @throws UnfitServer */
async function meet(client: PoolClient, address: DatabaseAddress): Promise<{ prepares: boolean }> {
  try {
    const greet = { text: GREETING, query_timeout: address.connectMs ?? CONNECT_MS };
    const { rows } = await client.query<Greeting>(greet);
    const [greeting] = rows;
    if (greeting === undefined) throw new UnfitServer('PostgreSQL does not say who it is');
    const wrong = unfit(greeting, address);
    if (wrong !== null) throw new UnfitServer(wrong);
    // A pooler invents the process id in its startup answer; a prepared statement would stay on one of its servers.
    const direct = 'processID' in client && client.processID === greeting.pid;
    return { prepares: address.prepare ?? (direct && !address.pooled) };
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Why a server cannot be used, by its own answers; null: it can. */
function unfit({ standby, schema }: Greeting, address: DatabaseAddress): string | null {
  if (standby) return 'the server is a standby, which takes no writes: DATABASE_URL must name the primary';
  if (address.schema === null || schema === address.schema || schema === null) return null;
  return (
    `the search_path leads to schema "${schema}" instead of "${address.schema}", because a pooler stands between: ` +
    `run "alter role ... set search_path = ${escapeIdentifier(address.schema)}" for the user of DATABASE_URL`
  );
}

/** The schema as a command-line option of the server, with spaces and backslashes escaped. */
function optionsOf({ options, schema }: DatabaseAddress, withSchema: boolean): string | undefined {
  if (!withSchema || schema === null) return options;
  const path = escapeIdentifier(schema).replaceAll(/[\\\s]/g, String.raw`\$&`);
  return [options, `-c search_path=${path}`].filter((one) => one !== undefined).join(' ');
}

function refusesOptions(error: unknown): boolean {
  return error instanceof DatabaseError && /startup parameter/.test(error.message);
}

/**
 * Names a prepared statement: each text is parsed once for a connection. Put lists of varying length into one array, or
 * each length becomes a statement of its own.
 */
function nameOf(text: string): string {
  return createHash('sha1').update(text).digest('base64url');
}
