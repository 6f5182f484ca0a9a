import { sql } from 'drizzle-orm';
import type { Insight } from '../../reading.ts';
import type { Db } from '../client.ts';

export interface MediaNumber extends Pick<Insight, 'metric' | 'breakdown' | 'value'> {
  /** The provider's id of the media. */
  subject: string;
}

interface Owner {
  userId: string;
  accountId: string;
}

/**
 * Stores numbers of media: a row only where the value differs from the newest one.
 * @param readAt the database's clock before the request; null: now
 * @returns the subjects with a new row
 */
export async function storeMediaInsights(
  tx: Db,
  { userId, accountId }: Owner,
  numbers: readonly MediaNumber[],
  source: 'list' | 'insights' | 'webhook',
  readAt: string | null,
): Promise<string[]> {
  if (numbers.length === 0) return [];
  const rows = await tx.execute<{ subject: string }>(sql`
    with told as (
      select distinct on (subject, metric, breakdown) * from unnest(${sql.param(numbers.map(({ subject }) => subject))}::text[],
        ${sql.param(numbers.map(({ metric }) => metric))}::text[],
        ${sql.param(numbers.map(({ breakdown }) => breakdown))}::text[],
        ${sql.param(numbers.map(({ value }) => String(value)))}::numeric[]) as n (subject, metric, breakdown, value)
    )
    insert into media_insights (user_id, oauth_account_id, subject_id, metric, breakdown, taken_at, value, source)
    select ${userId}::uuid, ${accountId}::uuid, told.subject, told.metric, told.breakdown,
      coalesce(${readAt}::timestamptz, clock_timestamp()), told.value, ${source}
    from told left join lateral (
      select value, taken_at from media_insights m
      where m.oauth_account_id = ${accountId}::uuid and m.subject_id = told.subject and m.metric = told.metric
        and m.breakdown = told.breakdown
      order by m.taken_at desc limit 1
    ) last on true
    where last.value is distinct from told.value
      and (last.taken_at is null or last.taken_at < coalesce(${readAt}::timestamptz, clock_timestamp()))
    on conflict do nothing
    returning subject_id as subject`);
  return [...new Set(rows.map(({ subject }) => subject))];
}

/** Stores numbers of an account; a later read revises a day. @returns the number of rows that are new or changed */
export async function storeAccountInsights(
  tx: Db,
  { userId, accountId }: Owner,
  numbers: readonly Insight[],
  readAt: string,
): Promise<number> {
  if (numbers.length === 0) return 0;
  const rows = await tx.execute<{ changed: boolean }>(sql`
    with told as (
      select distinct on (metric, period, end_time, breakdown) * from unnest(${sql.param(numbers.map(({ metric }) => metric))}::text[],
        ${sql.param(numbers.map(({ period }) => period ?? 'lifetime'))}::text[],
        ${sql.param(numbers.map(({ endTime }) => endTime?.toISOString() ?? null))}::timestamptz[],
        ${sql.param(numbers.map(({ breakdown }) => breakdown))}::text[],
        ${sql.param(numbers.map(({ value }) => String(value)))}::numeric[],
        ${sql.param(numbers.map(({ day }) => day ?? null))}::date[]) as n (metric, period, end_time, breakdown, value, day)
    ), before as (
      select told.*, a.value as old from told left join account_insights a on a.oauth_account_id = ${accountId}::uuid
        and a.metric = told.metric and a.period = told.period and a.end_time is not distinct from told.end_time
        and a.breakdown = told.breakdown
    ), done as (
      insert into account_insights as a (user_id, oauth_account_id, metric, period, end_time, breakdown, value, day, read_at)
      select ${userId}::uuid, ${accountId}::uuid, metric, period, end_time, breakdown, value, day, ${readAt}::timestamptz
      from told
      on conflict (oauth_account_id, metric, period, end_time, breakdown) do update
        set value = excluded.value, day = excluded.day, read_at = excluded.read_at
        where a.read_at <= excluded.read_at
    )
    select old is distinct from value as changed from before`);
  return rows.filter(({ changed }) => changed).length;
}
