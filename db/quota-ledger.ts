import { type SQL, sql } from 'drizzle-orm';
import { SHOWING_WRITES } from '../plan.ts';
import type { Db } from './client.ts';

/** At most `limit` in any window of this length; null: only a refusal shows the limit. */
export interface QuotaRule {
  bucket: string;
  limit: number | null;
  windowMs: number;
  /** `shown`: only visible posts count (providers/quotas.ts). */
  counts?: string;
  /** How many units one use takes; default 1. */
  cost?: number;
  /** `app`: all accounts of the provider share it. */
  scope?: string;
}

export const isOfApp = ({ scope }: QuotaRule): boolean => scope === 'app';

/** The name under which the accounts of an app share its quotas: their provider's. */
export const appOf = (accountId: string): SQL =>
  sql`(select provider from oauth_accounts where id = ${accountId})`;

/** The rows of a table that count for an account's quotas, its own or its app's. */
const rowsOf = (table: 'place' | 'shown', accountId: string, ofApp: boolean): SQL =>
  ofApp
    ? sql`${sql.raw(table)}.app = ${appOf(accountId)}`
    : sql`${sql.raw(table)}.oauth_account_id = ${accountId}`;

/** The ledger's record of one quota, in units. */
export interface Entry {
  /** The units taken in the current window, and since when. */
  taken: number;
  oldest: Date | null;
  /** The limit shown by a refusal, or by the provider, within the window. */
  shown: {
    at: Date;
    limit: number;
    /** The provider's own count at that time; null: it gave none. */
    used: number | null;
    /** The units taken since, which the provider cannot have counted. */
    since: number;
    postId: string | null;
    askAgainAt: Date;
  } | null;
}

/** Whether the write that makes a place's post visible has one of these statuses. */
const shownBy = (statuses: SQL): SQL => sql`exists (
  select 1 from posts p, jsonb_path_query(p.plan, ${SHOWING_WRITES}::jsonpath) showing, publish_attempts a
  where p.id = place.post_id and a.post_id = p.id and a.status in (${statuses}) and a.step = showing #>> '{}')`;

/** Whether the provider has counted a place, if it counts only visible posts. */
const SHOWN = shownBy(sql`'accepted'`);
/** Whether a place counts there: a post that ended without becoming visible took none. */
const MAY_BE_SHOWN = sql`(place.post_id is null or ${shownBy(sql`'sent', 'accepted', 'unknown'`)} or exists (
  select 1 from posts p where p.id = place.post_id and p.state not in ('failed', 'cancelled')))`;

interface LedgerRow extends Record<string, unknown> {
  bucket: string;
  taken: number;
  oldest: string | null;
  since: number;
  shown_at: string | null;
  limit: number;
  used: number | null;
  post_id: string | null;
  ask_again_at: string;
}

/** The entries of all these quotas, by bucket. */
export async function readLedger(
  db: Db,
  accountId: string,
  rules: readonly QuotaRule[],
): Promise<Map<string, Entry>> {
  const entries: [string, Entry][] = [];
  for (const ofApp of [false, true]) {
    const some = rules.filter((rule) => isOfApp(rule) === ofApp);
    entries.push(...(await readEntries(db, accountId, some, ofApp)));
  }
  return new Map(entries);
}

/** One statement, because a write takes several quotas and holds a lock meanwhile. */
async function readEntries(
  db: Db,
  accountId: string,
  rules: readonly QuotaRule[],
  ofApp: boolean,
): Promise<[string, Entry][]> {
  if (rules.length === 0) return [];
  const column = (of: (rule: QuotaRule) => unknown) => sql.param(rules.map(of));
  const rows = await db.execute<LedgerRow>(sql`
    select distinct on (rule.bucket) rule.bucket, taken.*,
      shown.shown_at, shown."limit", shown.used, shown.post_id, shown.ask_again_at
    from (
      select bucket, only_shown, now() - window_ms * interval '1 millisecond' as window_start
      from unnest(
        ${column(({ bucket }) => bucket)}::text[],
        ${column(({ windowMs }) => windowMs)}::float8[],
        ${column(({ counts }) => counts === 'shown')}::boolean[]
      ) as named (bucket, window_ms, only_shown)
    ) rule
    left join quota_limits shown on ${rowsOf('shown', accountId, ofApp)}
      and shown.bucket = rule.bucket and shown.shown_at > rule.window_start
    cross join lateral (
      select coalesce(sum(units), 0)::int as taken, min(at) as oldest,
        coalesce(sum(units) filter (where at > shown.shown_at or rule.only_shown and not ${SHOWN}), 0)::int as since
      from quota_reservations place
      where ${rowsOf('place', accountId, ofApp)} and bucket = rule.bucket and released_at is null
        and at > rule.window_start and (not rule.only_shown or ${MAY_BE_SHOWN})
    ) taken
    order by rule.bucket, shown.shown_at desc nulls last`);
  return rows.map((row) => [row.bucket, entryOf(row)]);
}

/** An expression for the units taken of a quota within its window. */
export const takenNow = (accountId: string, rule: QuotaRule): SQL => sql`(
  select coalesce(sum(units), 0) from quota_reservations place
  where ${rowsOf('place', accountId, isOfApp(rule))} and bucket = ${rule.bucket} and released_at is null
    and at > now() - ${rule.windowMs} * interval '1 millisecond')`;

/**
 * When this many of the units taken now will have left the window.
 * @returns null if fewer are taken
 */
export async function unitsFreeAt(
  db: Db,
  accountId: string,
  rule: QuotaRule,
  units: number,
): Promise<Date | null> {
  const { bucket, windowMs } = rule;
  const [freed] = await db.execute<{ at: string | null }>(sql`
    select min(at) as at from (
      select at, sum(units) over (order by at, id) as units
      from quota_reservations place
      where ${rowsOf('place', accountId, isOfApp(rule))} and bucket = ${bucket} and released_at is null
        and at > now() - ${windowMs} * interval '1 millisecond'
    ) leaving where units >= ${units}`);
  return freed?.at == null ? null : new Date(new Date(freed.at).getTime() + windowMs);
}

function entryOf({ taken, oldest, since, ...row }: LedgerRow): Entry {
  return {
    taken,
    oldest: oldest === null ? null : new Date(oldest),
    shown:
      row.shown_at === null
        ? null
        : {
            at: new Date(row.shown_at),
            limit: row.limit,
            used: row.used,
            since,
            postId: row.post_id,
            askAgainAt: new Date(row.ask_again_at),
          },
  };
}
