import type { Insight } from '../../reading.ts';
import { ProviderError } from '../errors.ts';
import { counter, record, records, text } from '../json.ts';
import { dayEndingAt, daysAfter, endOf, pacificDay, startOf } from '../meta/pacific.ts';
import { graphTime, words } from '../meta/reads.ts';
import type { Page, Question, ReadCall } from '../reading.ts';
import type { Usage } from '../../reading.ts';
import type { Reads } from './read.ts';
import { unlessItConcernsAllCalls } from './read-media.ts';

type Json = Readonly<Record<string, unknown>>;

/** threads-facts 8.1. */
const OF_MEDIA = ['views', 'likes', 'replies', 'reposts', 'quotes', 'shares'];

/** The numbers of a post, in one call. */
export async function readMediaInsights(
  reads: Reads,
  { subject, refused }: Question,
  call: ReadCall,
): Promise<Page> {
  if (subject === null) throw new Error('numbers are read of a post');
  const nothing = { items: [], next: null, calls: 0, usage: null } as const;
  const wanted = OF_MEDIA.filter((metric) => !refused.includes(metric));
  // A repost has none (threads-facts 8.1).
  if (subject.values['mediaType'] === 'REPOST_FACADE' || wanted.length === 0)
    return { ...nothing, metricsState: 'not_supported' };
  const path = `/${encodeURIComponent(subject.id)}/insights`;
  const told = await readMetrics(reads, call, path, wanted, {});
  const insights = told.rows.flatMap(({ name, row }): Insight[] => {
    const value = lastValue(row);
    return value === null ? [] : [{ metric: name, breakdown: '', value }];
  });
  const isRefused = told.refused.length === wanted.length;
  return {
    ...nothing,
    insights,
    metricsState: isRefused ? 'not_supported' : insights.length === 0 ? 'empty' : 'ok',
    refused: told.refused,
    calls: told.calls,
    usage: told.usage,
  };
}

/** The shape follows no rule: the value is where it is found (threads-facts 8.2). */
function lastValue(row: Json): number | null {
  const values = records(row['values']);
  return counter(record(row['total_value'])?.['value']) ?? counter(values.at(-1)?.['value']);
}

interface Metrics {
  rows: { name: string; row: Json }[];
  refused: string[];
  calls: number;
  usage: Usage | null;
}

/** One metric that Threads refuses fails the whole call: then each is asked for alone (threads-facts 8.2). */
async function readMetrics(
  reads: Reads,
  call: ReadCall,
  path: string,
  metrics: readonly string[],
  params: Readonly<Record<string, string>>,
): Promise<Metrics> {
  try {
    const { body, usage } = await reads.thing(call, path, { ...params, metric: metrics.join(',') });
    const rows = records(body['data']).flatMap((row) => {
      const name = text(row['name']);
      return name === null || !metrics.includes(name) ? [] : [{ name, row }];
    });
    return { rows, refused: [], calls: 1, usage };
  } catch (error) {
    if (!(error instanceof ProviderError) || error.kind !== 'rejected') throw error;
    if (metrics.length === 1) return { rows: [], refused: [...metrics], calls: 1, usage: null };
  }
  const each: Metrics[] = [];
  for (const metric of metrics) each.push(await readMetrics(reads, call, path, [metric], params));
  return {
    rows: each.flatMap(({ rows }) => rows),
    refused: each.flatMap(({ refused }) => refused),
    calls: 1 + each.reduce((sum, { calls }) => sum + calls, 0),
    usage: each.findLast(({ usage }) => usage !== null)?.usage ?? null,
  };
}

const OF_ACCOUNT = '/me/threads_insights';
/** The first day that may be asked for: 13 April 2024 (threads-facts 8.2). */
const EARLIEST = 1_712_991_600;
const TOTALS = ['likes', 'replies', 'reposts', 'quotes', 'clicks'];
const FOLLOWERS = 'followers_count';
const DEMOGRAPHICS = 'follower_demographics';
const DIMENSIONS = ['country', 'city', 'age', 'gender'];
/** Below, Threads tells none (threads-facts 8.2). */
const ENOUGH_FOLLOWERS = 100;

/** Days are revised for a while. A first full pass takes 14 calls: followers 5, views 1, and one for each day. */
const DAYS = { full: 8, since: 3 };

/**
 * One step of the account's numbers. The steps are followers, views, and then one day in California after the other; a
 * cursor names today and the step, so that midnight in the middle of a pass changes nothing.
 */
export async function readAccountInsights(reads: Reads, question: Question, call: ReadCall): Promise<Page> {
  const [today = '', step = ''] = (question.cursor ?? `${pacificDay(new Date())}|0`).split('|');
  const at = Number(step);
  const days = question.full ? DAYS.full : DAYS.since;
  const day = daysAfter(today, 1 - at);
  const read = at === 0 ? readFollowers : at === 1 ? readViews : readDay;
  const told = await read(reads, call, question, at < 2 ? today : day);
  const isLast = at > days;
  return { items: [], next: isLast ? null : `${today}|${at + 1}`, ...told };
}

type Step = Pick<Page, 'insights' | 'refused' | 'calls' | 'usage'>;
const SKIPPED: Step = { calls: 0, usage: null };

/** Followers now, and in full passes where they are and how old. */
async function readFollowers(
  reads: Reads,
  call: ReadCall,
  { full, refused }: Question,
  _today: string,
): Promise<Step> {
  if (refused.includes(FOLLOWERS)) return SKIPPED;
  const told = await readMetrics(reads, call, OF_ACCOUNT, [FOLLOWERS], { period: 'day' });
  const followers = told.rows.map(({ row }) => lastValue(row)).find((value) => value !== null) ?? null;
  const count: Insight[] =
    followers === null ? [] : [{ metric: FOLLOWERS, breakdown: '', value: followers, period: 'lifetime' }];
  const step = { refused: told.refused, calls: told.calls, usage: told.usage };
  if (!full || refused.includes(DEMOGRAPHICS) || followers === null || followers < ENOUGH_FOLLOWERS)
    return { ...step, insights: count };
  const groups: Insight[] = [];
  for (const breakdown of DIMENSIONS) {
    const params = { metric: DEMOGRAPHICS, breakdown, period: 'lifetime' };
    // Too few followers are no error: nothing is told.
    const answer = await reads.thing(call, OF_ACCOUNT, params).catch(unlessItConcernsAllCalls);
    groups.push(...(answer === null ? [] : records(answer.body['data'])).flatMap(demographics));
  }
  return { ...step, insights: [...count, ...groups], calls: told.calls + DIMENSIONS.length };
}

function demographics(row: Json): Insight[] {
  return records(record(row['total_value'])?.['breakdowns']).flatMap((group) => {
    const keys = list(group['dimension_keys']);
    return records(group['results']).flatMap((result): Insight[] => {
      const value = counter(result['value']);
      const names = list(result['dimension_values']);
      if (value === null || names.length === 0) return [];
      const breakdown = names.map((name, index) => `${keys[index] ?? 'value'}=${name}`).join(',');
      return [{ metric: DEMOGRAPHICS, breakdown: short(breakdown), value, period: 'lifetime' }];
    });
  });
}

const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(words).filter((one) => one !== null) : [];

/** Longer names do not fit into a PostgreSQL index. */
const short = (breakdown: string): string => breakdown.slice(0, 500).toWellFormed();

/** A day without data is missing, not 0 (threads-facts 16). */
async function readViews(
  reads: Reads,
  call: ReadCall,
  { full, refused }: Question,
  today: string,
): Promise<Step> {
  if (refused.includes('views')) return SKIPPED;
  const until = seconds(startOf(today));
  const since = full ? EARLIEST : seconds(startOf(daysAfter(today, -DAYS.since)));
  const window = { period: 'day', since: String(since), until: String(until) };
  const { rows, ...told } = await readMetrics(reads, call, OF_ACCOUNT, ['views'], window);
  const insights = rows
    .flatMap(({ row }) => records(row['values']))
    .flatMap((one): Insight[] => {
      const value = counter(one['value']);
      const endTime = graphTime(one['end_time']);
      if (value === null || endTime === null) return [];
      return [{ metric: 'views', breakdown: '', value, period: 'day', endTime, day: dayEndingAt(endTime) }];
    });
  return { ...told, insights };
}

const seconds = (at: Date): number => at.getTime() / 1000;

/** Totals are of the window that is asked for: one day. */
async function readDay(reads: Reads, call: ReadCall, { refused }: Question, day: string): Promise<Step> {
  const wanted = TOTALS.filter((metric) => !refused.includes(metric));
  if (wanted.length === 0) return SKIPPED;
  const endTime = endOf(day);
  const window = {
    period: 'day',
    since: String(seconds(startOf(day))),
    until: String(seconds(endTime)),
  };
  const { rows, ...told } = await readMetrics(reads, call, OF_ACCOUNT, wanted, window);
  const ofDay = { period: 'day', endTime, day } as const;
  const insights = rows.flatMap(({ name, row }): Insight[] => {
    const total = lastValue(row);
    const links = records(row['link_total_values']).flatMap((one): Insight[] => {
      const value = counter(one['value']);
      const url = words(one['link_url']);
      return value === null || url === null
        ? []
        : [{ metric: name, breakdown: short(`link_url=${url}`), value, ...ofDay }];
    });
    return total === null ? links : [{ metric: name, breakdown: '', value: total, ...ofDay }, ...links];
  });
  return { ...told, insights };
}
