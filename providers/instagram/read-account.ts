import type { Insight } from '../../reading.ts';
import { DAY, SECOND } from '../../durations.ts';
import { ProviderError } from '../errors.ts';
import { records, text } from '../json.ts';
import { daysAfter, endOf, pacificDay, startOf } from '../meta/pacific.ts';
import { graphTime, isMissing } from '../meta/reads.ts';
import type { Page, Question, ReadCall } from '../reading.ts';
import type { Login } from './client.ts';
import { numberOf, numbersOf } from './numbers.ts';
import { rowsOf } from './read-media.ts';
import { codeOf, createReads, type Json, type Reads } from './reads.ts';

/*
 * The numbers of an account (instagram-facts 7.5 and 12), one step after the other: totals of single days in
 * California, the series of `reach`, and who the followers are. The first pass takes at most 15 calls.
 */

const TOTALS = [
  'views',
  'total_interactions',
  'likes',
  'comments',
  'shares',
  'saves',
  'replies',
  'reposts',
  'accounts_engaged',
  'profile_links_taps',
];
/** Refused below 100 followers. */
const FOLLOWS = 'follows_and_unfollows';
const AUDIENCES = ['follower_demographics', 'engaged_audience_demographics'];
const BREAKDOWNS = ['age', 'city', 'country', 'gender'];

/** Days that Instagram may still revise; a first pass asks for a few more. */
const REVISED = 3;
const FIRST_DAYS = 5;
/** At most 30 days may be between both ends of a window, and the day on which clocks go back has 25 hours. */
const WINDOW = 29;
/** The fourth window lies beyond the 90 days that are documented. */
const WINDOWS = 4;

/** Where a pass stands. */
interface Place {
  /** The day on which it began. */
  today: string;
  step: number;
  /** What was refused in this pass: numbers that need more followers. */
  few: boolean;
}

type Step =
  { kind: 'day'; day: string } | { kind: 'reach'; window: number } | { kind: 'who'; breakdown: string };

function stepsOf(today: string, full: boolean): Step[] {
  const ended = Array.from({ length: full ? FIRST_DAYS : REVISED }, (_, index) =>
    daysAfter(today, -index - 1),
  );
  const windows = full ? WINDOWS : 1;
  return [
    ...ended.map((day): Step => ({ kind: 'day', day })),
    ...Array.from({ length: windows }, (_, window): Step => ({ kind: 'reach', window })),
    ...(full ? BREAKDOWNS.map((breakdown): Step => ({ kind: 'who', breakdown })) : []),
  ];
}

/** One step of a pass. @throws ProviderError */
export async function readAccount(login: Login, question: Question, call: ReadCall): Promise<Page> {
  const place = placeOf(question.cursor);
  const steps = stepsOf(place.today, question.full);
  const step = steps[place.step];
  const reads = createReads(login, call);
  const path = `/${call.openId}/insights`;
  const told = step === undefined ? NOTHING : await readStep(reads, path, step, place, question);
  const few = place.few || told.few === true;
  const next = nextStep(steps, place.step, { few, isEnd: told.insights.length === 0 });
  return {
    items: [],
    insights: told.insights,
    ...(told.refused === undefined ? {} : { refused: told.refused }),
    next: next === null ? null : `${place.today} ${next}${few ? ' few' : ''}`,
    ...reads.told(),
  };
}

interface Told {
  insights: readonly Insight[];
  refused?: readonly string[];
  few?: boolean;
}
const NOTHING: Told = { insights: [] };

function placeOf(cursor: string | null): Place {
  const [today, step, few] = (cursor ?? '').split(' ');
  if (today === undefined || !/^\d{4}-\d\d-\d\d$/.test(today))
    return { today: pacificDay(new Date()), step: 0, few: false };
  return { today, step: Number(step), few: few === 'few' };
}

/** Older windows of the series are not asked for behind an empty one, nor what few followers refuse. */
function nextStep(
  steps: readonly Step[],
  from: number,
  { few, isEnd }: { few: boolean; isEnd: boolean },
): number | null {
  const stops = steps[from]?.kind === 'reach' && isEnd;
  const next = steps.findIndex(
    ({ kind }, index) => index > from && !(kind === 'reach' && stops) && !(kind === 'who' && few),
  );
  return next === -1 ? null : next;
}

async function readStep(
  reads: Reads,
  path: string,
  step: Step,
  { today, few }: Place,
  { refused }: Question,
): Promise<Told> {
  switch (step.kind) {
    case 'day':
      return readDay((params) => reads.get(path, params), step.day, few, refused);
    case 'reach':
      return { insights: await readReach((params) => reads.get(path, params), today, step.window) };
    case 'who':
      return readAudience((params) => reads.get(path, params), step.breakdown);
  }
}

type Ask = (params: Record<string, string>) => Promise<Json>;

/** Both ends belong to a window. */
const between = (from: number, end: number) => ({
  since: String(from / SECOND),
  until: String(end / SECOND - 1),
});

async function readDay(ask: Ask, day: string, few: boolean, refused: readonly string[]): Promise<Told> {
  const end = endOf(day).getTime();
  const window = { period: 'day', metric_type: 'total_value', ...between(startOf(day).getTime(), end) };
  const total = async (metrics: readonly string[]): Promise<Insight[]> => {
    const answer = await ask({ metric: metrics.join(','), ...window });
    const at = { period: 'day', endTime: new Date(end), day } as const;
    return rowsOf(answer).flatMap((row) => numbersOf(row).map((one) => ({ ...one, ...at })));
  };
  const wanted = TOTALS.filter((metric) => !refused.includes(metric));
  if (!few) {
    try {
      return { insights: await total([...wanted, FOLLOWS]) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  try {
    return { insights: await total(wanted), few: true };
  } catch (error) {
    if (!isRefusal(error) || codeOf(error) !== '100') throw error;
  }
  return { ...(await each(wanted, total)), few: true };
}

/** Each metric alone, once. */
async function each(
  metrics: readonly string[],
  total: (metrics: readonly string[]) => Promise<Insight[]>,
): Promise<{ insights: Insight[]; refused: string[] }> {
  const insights: Insight[] = [];
  const refused: string[] = [];
  for (const metric of metrics)
    try {
      insights.push(...(await total([metric])));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused.push(metric);
    }
  return { insights, refused };
}

function isRefusal(error: unknown): error is ProviderError {
  return error instanceof ProviderError && !isMissing(error) && ['10', '100'].includes(codeOf(error));
}

/** The only series: a value for each day that has ended. */
async function readReach(ask: Ask, today: string, window: number): Promise<Insight[]> {
  const last = daysAfter(today, -window * WINDOW);
  const from = startOf(daysAfter(last, -WINDOW)).getTime();
  const answer = await ask({
    metric: 'reach',
    period: 'day',
    metric_type: 'time_series',
    ...between(from, startOf(last).getTime()),
  }).catch((error: unknown): Json => {
    // Beyond the days that Instagram keeps.
    if (window > 0 && isRefusal(error)) return { data: [] };
    throw error;
  });
  return rowsOf(answer).flatMap((row) =>
    records(row['values']).flatMap((one): Insight[] => {
      const [value, endTime] = [numberOf(one['value']), graphTime(one['end_time'])];
      if (value === null || endTime === null) return [];
      // Half a day before its end, because some answers end days at 07:00 UTC in winter too.
      const day = pacificDay(new Date(endTime.getTime() - DAY / 2));
      return [{ metric: 'reach', breakdown: '', value, period: 'day', endTime, day }];
    }),
  );
}

/** Fewer than 100 followers, or people who engaged, are no error. */
async function readAudience(ask: Ask, breakdown: string): Promise<Told> {
  const who = async (metrics: readonly string[]): Promise<Insight[]> => {
    const answer = await ask({
      metric: metrics.join(','),
      period: 'lifetime',
      metric_type: 'total_value',
      timeframe: 'this_month',
      breakdown,
    });
    const rows = rowsOf(answer).filter((row) => AUDIENCES.includes(text(row['name']) ?? ''));
    const numbers = rows.flatMap((row) => numbersOf(row)).filter((one) => one.breakdown !== '');
    return numbers.map((one) => ({ ...one, period: 'lifetime' }));
  };
  try {
    return { insights: await who(AUDIENCES) };
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const { insights, refused } = await each(AUDIENCES, who);
  return refused.length === AUDIENCES.length ? { insights, few: true } : { insights };
}
