import { type SQL, sql } from 'drizzle-orm';
import type { ReadBucket, Usage } from '../../reading.ts';
import { HOUR } from '../../durations.ts';
import type { Db } from '../client.ts';

/*
 * The budget of reads. It belongs to the provider's account, which several tenants may have connected. What sync earns
 * here never blocks a publish.
 */

/** From this percentage of a platform's limit on, sync stops until a read tells less. */
const MOST_PERCENT = 60;
/** A percentage counts for so long. */
const PERCENT_HOLDS = HOUR;
const FIRST_WAIT = HOUR;
const LONGEST_WAIT = 12 * HOUR;

/** Older windows say nothing about now. */
const RECENT = sql`window_start > clock_timestamp() - interval '2 days'`;

/** The provider's account, and the account of ours that calls. */
export interface Spender {
  readonly accountId: string;
  readonly provider: string;
  readonly openId: string;
}

/** A call that may be made, or why not yet. */
export type Grant =
  | { kind: 'granted'; /** The database's clock, as text with microseconds. */ readAt: string }
  | { kind: 'refused'; reason: string; until: Date };

/**
 * Takes a call from the budget before it is made.
 * @param urgent for a hint: it goes on at 60 percent
 */
export async function takeCall(
  db: Db,
  { provider, openId }: Spender,
  bucket: ReadBucket,
  urgent: boolean,
): Promise<Grant> {
  const seconds = bucket.window / 1000;
  const [row] = await db.execute<{
    readAt: string;
    calls: string;
    ends: string;
    percent: number | null;
    percentUntil: string | null;
    refusedUntil: string | null;
  }>(sql`
    with clock as (
      select clock_timestamp() as now,
        to_timestamp(floor(extract(epoch from clock_timestamp()) / ${seconds}) * ${seconds}) as begins
    ), told as (
      select max(refused_until) as refused_until from api_usage, clock
      where provider = ${provider} and provider_account_id = ${openId} and refused_until > clock.now and ${RECENT}
    ), last as (
      select percent, percent_at + ${`${PERCENT_HOLDS / 1000} seconds`}::interval as until from api_usage
      where provider = ${provider} and provider_account_id = ${openId} and percent is not null and ${RECENT}
      order by percent_at desc limit 1
    ), taken as (
      insert into api_usage as u (provider, provider_account_id, window_start, calls_sync)
      select ${provider}, ${openId}, clock.begins, 1 from clock, told
      where told.refused_until is null
        and (${urgent} or not exists (select from last, clock where percent >= ${MOST_PERCENT} and until > clock.now))
      on conflict (provider, provider_account_id, window_start) do update set calls_sync = u.calls_sync + 1
        where ${bucket.most}::integer is null or u.calls_sync < ${bucket.most}::integer
      returning calls_sync
    )
    select clock.now::text as "readAt", (select calls_sync from taken)::text as calls,
      (clock.begins + ${`${seconds} seconds`}::interval)::text as ends, last.percent,
      last.until::text as "percentUntil", told.refused_until::text as "refusedUntil"
    from clock cross join told left join last on true`);
  if (row === undefined) throw new Error('PostgreSQL does not say what time it is');
  if (row.calls !== null) return { kind: 'granted', readAt: row.readAt };
  if (row.refusedUntil !== null)
    return { kind: 'refused', reason: 'the platform refuses calls', until: new Date(row.refusedUntil) };
  const held = row.percent !== null && row.percent >= MOST_PERCENT && row.percentUntil !== null;
  if (held && !urgent && row.percentUntil !== null && new Date(row.percentUntil) > new Date(row.readAt))
    return {
      kind: 'refused',
      reason: `${row.percent} % of the platform's limit is used`,
      until: new Date(row.percentUntil),
    };
  return { kind: 'refused', reason: 'the calls of this window are used', until: new Date(row.ends) };
}

/** Records the further calls of a read that succeeded, and what the headers of its answers told. */
export async function noteCalls(
  tx: Db,
  spender: Spender,
  bucket: ReadBucket,
  { more, usage }: { more: number; usage: Usage | null },
): Promise<void> {
  const { provider, openId } = spender;
  await tx.execute(sql`
    update api_usage set refusals = 0
    where provider = ${provider} and provider_account_id = ${openId} and refusals > 0 and ${RECENT}`);
  if (more > 0)
    await tx.execute(sql`
      insert into api_usage as u (provider, provider_account_id, window_start, calls_sync)
      values (${provider}, ${openId}, ${startOf(bucket)}, ${more})
      on conflict (provider, provider_account_id, window_start) do update set calls_sync = u.calls_sync + ${more}`);
  if (usage !== null) await noteUsage(tx, spender, bucket, usage);
}

/** The beginning of the bucket's window that runs now. */
function startOf({ window }: ReadBucket): SQL {
  const seconds = window / 1000;
  return sql`to_timestamp(floor(extract(epoch from clock_timestamp()) / ${seconds}) * ${seconds})`;
}

/** Records what the headers of an answer told. If they tell little use, streams that wait for that are due again. */
export async function noteUsage(
  tx: Db,
  { provider, openId, accountId }: Spender,
  bucket: ReadBucket,
  { percent, regainMs = 0 }: Usage,
): Promise<void> {
  if (percent === null && regainMs === 0) return;
  const refused =
    regainMs === 0 ? sql`null` : sql`clock_timestamp() + make_interval(secs => ${regainMs / 1000})`;
  await tx.execute(sql`
    insert into api_usage as u (provider, provider_account_id, window_start, percent, percent_at, refused_until)
    values (${provider}, ${openId}, ${startOf(bucket)}, ${percent}::integer,
      ${percent === null ? sql`null` : sql`clock_timestamp()`}::timestamptz, (${refused})::timestamptz)
    on conflict (provider, provider_account_id, window_start) do update set
      percent = coalesce(excluded.percent, u.percent), percent_at = coalesce(excluded.percent_at, u.percent_at),
      refused_until = greatest(u.refused_until, excluded.refused_until)`);
  if (percent !== null && percent < MOST_PERCENT)
    await tx.execute(sql`
      update sync_states set next_due_at = now()
      where oauth_account_id = ${accountId}::uuid and state = 'waiting_quota' and reason ~ '^[0-9]+ %'`);
}

/**
 * Records that the platform has refused a read.
 * @param waitMs how long, if the platform told; else an hour, and twice as long each time
 * @returns until when
 */
export async function noteRefusal(
  db: Db,
  { provider, openId }: Spender,
  bucket: ReadBucket,
  waitMs: number | null,
): Promise<Date> {
  const wait =
    waitMs === null
      ? sql`least(${LONGEST_WAIT / 1000}, ${FIRST_WAIT / 1000} * power(2, least(last.refusals, 10)))`
      : sql`${waitMs / 1000}::double precision`;
  const [row] = await db.execute<{ until: string }>(sql`
    with last as (
      select coalesce(max(refusals), 0) as refusals from api_usage
      where provider = ${provider} and provider_account_id = ${openId} and ${RECENT}
    )
    insert into api_usage as u (provider, provider_account_id, window_start, refused_until, refusals)
    select ${provider}, ${openId}, ${startOf(bucket)}, clock_timestamp() + make_interval(secs => ${wait}),
      last.refusals + ${waitMs === null ? 1 : 0}::integer from last
    on conflict (provider, provider_account_id, window_start) do update
      set refused_until = greatest(u.refused_until, excluded.refused_until), refusals = excluded.refusals
    returning refused_until::text as until`);
  return new Date(row?.until ?? Date.now() + FIRST_WAIT);
}
