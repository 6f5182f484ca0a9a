import { and, count, eq, isNull, notInArray, sql } from 'drizzle-orm';
import { EVENT_PATIENCE } from '../patience.ts';
import type { Db } from './client.ts';
import { FINAL_STATES, oauthAccounts, posts, webhookEvents } from './schema.ts';

/** Counts of everything that is open, for the metrics. */
export interface Gauges {
  /** Open posts. `due`: those whose time has come; `ageSeconds`: since the oldest of them was due. */
  posts: { provider: string; state: string; all: number; due: number; ageSeconds: number }[];
  /** `ending`: active accounts that are lost by then unless they are refreshed or reconnected. */
  accounts: {
    provider: string;
    status: string;
    all: number;
    tokenExpired: number;
    ending: { '1h': number; '1d': number; '7d': number };
  }[];
  /** Recent events, which are still retried. `waiting`: not tried yet; `unapplied`: tried, or about nothing known. */
  events: { provider: string; waiting: number; unapplied: number; ageSeconds: number }[];
}

/** Time limit of each query. */
const MOST_MS = 2_000;

/**
 * Reads the current counts. Final posts are left out, so the cost depends on what is open, not on the whole history:
 * open posts and waiting events have their own indexes.
 */
export async function readGauges(db: Db): Promise<Gauges> {
  return db.transaction(
    async (tx) => {
      await tx.execute(sql.raw(`set local statement_timeout = ${MOST_MS}`));
      return { posts: await countOpenPosts(tx), accounts: await accounts(tx), events: await events(tx) };
    },
    { accessMode: 'read only' },
  );
}

function countOpenPosts(tx: Db): Promise<Gauges['posts']> {
  const dueAt = sql`coalesce(${posts.scheduledAt}, ${posts.createdAt})`;
  const due = sql`${dueAt} <= now()`;
  return (
    tx
      .select({
        provider: posts.provider,
        state: posts.state,
        all: count(),
        due: sql<number>`count(*) filter (where ${due})`.mapWith(Number),
        ageSeconds: secondsSince(sql`min(${dueAt})`),
      })
      .from(posts)
      // The first condition is the index's.
      .where(and(isNull(posts.workflowEndedAt), notInArray(posts.state, [...FINAL_STATES])))
      .groupBy(posts.provider, posts.state)
  );
}

function accounts(tx: Db): Promise<Gauges['accounts']> {
  const { expiresAt, refreshExpiresAt, status, provider } = oauthAccounts;
  // A token with a limited refresh period ends with its refresh token; one that renews itself ends with its access
  // token.
  const end = sql`coalesce(${refreshExpiresAt}, ${expiresAt})`;
  const active = (before: ReturnType<typeof sql>) =>
    sql<number>`count(*) filter (where ${eq(status, 'active')} and ${before})`.mapWith(Number);
  const within = (time: string) => active(sql`${end} < now() + ${time}::interval`);
  return tx
    .select({
      provider,
      status,
      all: count(),
      tokenExpired: active(sql`${expiresAt} < now()`),
      ending: { '1h': within('1 hour'), '1d': within('1 day'), '7d': within('7 days') },
    })
    .from(oauthAccounts)
    .groupBy(provider, status);
}

function events(tx: Db): Promise<Gauges['events']> {
  const { errorMessage, processedAt, provider, receivedAt } = webhookEvents;
  const waiting = isNull(errorMessage);
  return tx
    .select({
      provider,
      waiting: sql<number>`count(*) filter (where ${waiting})`.mapWith(Number),
      unapplied: sql<number>`count(*) filter (where not (${waiting}))`.mapWith(Number),
      ageSeconds: secondsSince(sql`min(${receivedAt}) filter (where ${waiting})`),
    })
    .from(webhookEvents)
    .where(and(isNull(processedAt), sql`${receivedAt} > now() - ${EVENT_PATIENCE} * interval '1 ms'`))
    .groupBy(provider);
}

/** 0 for a future time or none. */
function secondsSince(time: ReturnType<typeof sql>) {
  return sql<number>`greatest(0, coalesce(extract(epoch from now() - ${time}), 0))`.mapWith(Number);
}
