import { type SQL, sql } from 'drizzle-orm';
import { SHOWING_WRITES } from '../plan.ts';
import type { Db } from './client.ts';

/** At most `limit` in any window of this length; null: only a refusal shows how many. */
export interface QuotaRule {
  bucket: string;
  limit: number | null;
  windowMs: number;
  /** `shown`: only posts count that are seen (providers/provider.ts). */
  counts?: string;
}

/** What the ledger knows of one quota of an account. */
export interface Entry {
  /** What is taken in the window now, and since when. */
  taken: number;
  oldest: Date | null;
  /** What a refusal, or the provider, has shown within the window. */
  shown: {
    at: Date;
    limit: number;
    /** What the provider itself counted then; null: it told no number. */
    used: number | null;
    /** What was taken since, and the provider cannot have counted. */
    since: number;
    postId: string | null;
    askAgainAt: Date;
  } | null;
}

/** Whether a write that shows the post of a place has one of these statuses. */
const shownBy = (statuses: SQL): SQL => sql`exists (
  select 1 from posts p, jsonb_path_query(p.plan, ${SHOWING_WRITES}::jsonpath) showing, publish_attempts a
  where p.id = place.post_id and a.post_id = p.id and a.status in (${statuses}) and a.step = showing #>> '{}')`;

/** Whether the provider has counted a place, where it counts only what is shown. */
const SHOWN = shownBy(sql`'accepted'`);
/** Whether a place counts there: what ended without being seen has taken none. */
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

/** The entries of all these quotas, by bucket, in one statement: a write takes several, and holds a lock meanwhile. */
export async function readLedger(
  db: Db,
  accountId: string,
  rules: readonly QuotaRule[],
): Promise<Map<string, Entry>> {
  if (rules.length === 0) return new Map();
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
    left join quota_limits shown on shown.oauth_account_id = ${accountId}
      and shown.bucket = rule.bucket and shown.shown_at > rule.window_start
    cross join lateral (
      select count(*)::int as taken, min(at) as oldest,
        count(*) filter (where at > shown.shown_at or rule.only_shown and not ${SHOWN})::int as since
      from quota_reservations place
      where oauth_account_id = ${accountId} and bucket = rule.bucket and released_at is null
        and at > rule.window_start and (not rule.only_shown or ${MAY_BE_SHOWN})
    ) taken`);
  return new Map(rows.map((row) => [row.bucket, entryOf(row)]));
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
