import type { Sql } from 'postgres';

/*
 * Single connections to PostgreSQL that end while the database goes on, as with a pooler, a time-out of the server, or an
 * operator who ends what hangs.
 */

/** How long the next connections are waited for. */
const PATIENCE_MS = 1_500;

interface Backend {
  pid: number;
}

/**
 * Ends one connection of a server or worker.
 * @param draw which one: their number is divided by how many there are
 * @param next how many of those that come after it are ended, too, each as soon as it is there
 * @returns how many were ended; 0 also while PostgreSQL is down
 */
export async function endBackends(sql: Sql, draw: number, next: number): Promise<number> {
  try {
    const open = await backends(sql);
    const first = open[draw % open.length];
    if (first === undefined) return 0;
    let ended = await end(sql, first);
    const known = new Set(open.map(({ pid }) => pid));
    const until = Date.now() + PATIENCE_MS;
    while (ended <= next && Date.now() < until) {
      for (const backend of await backends(sql)) {
        if (known.has(backend.pid) || ended > next) continue;
        known.add(backend.pid);
        ended += await end(sql, backend);
      }
    }
    return ended;
  } catch {
    return 0;
  }
}

/** Those of servers and workers, and those that are still logging in, which have no name yet. */
async function backends(sql: Sql): Promise<Backend[]> {
  return sql<Backend[]>`
    select pid from pg_stat_activity
    where backend_type = 'client backend' and (application_name = 'everpost' or state = 'starting') and pid <> pg_backend_pid()
    order by pid`;
}

async function end(sql: Sql, { pid }: Backend): Promise<number> {
  const [row] = await sql<{ ended: boolean }[]>`select pg_terminate_backend(${pid}) as ended`;
  return row?.ended === true ? 1 : 0;
}
