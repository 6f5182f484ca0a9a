import { refuseGraph } from '../meta/errors.ts';
import { pacificDays, type PacificDay } from '../meta/pacific.ts';
import { graphTime, timeParam } from '../meta/paging.ts';
import { mediaOf, type Instagram } from './context.ts';
import type { GraphRequest } from './graph.ts';
import { valueOf } from './media-insights.ts';
import { metricsOf, requireBreakdown, totalValue } from './metrics.ts';
import type { Account } from './people.ts';
import { badParam } from './problems.ts';
import type { AccountDay } from './state.ts';

/** instagram-facts 7.5: a day's metrics with total values only; `reach` is a time series too. */
const DAY_METRICS =
  `reach views total_interactions likes comments shares saves replies reposts accounts_engaged
  follows_and_unfollows profile_links_taps`.split(/\s+/);
const LIFETIME_METRICS = ['follower_demographics', 'engaged_audience_demographics'];
const BY_PRODUCT = ['media_product_type'];
const BY_PRODUCT_AND_FOLLOW = ['media_product_type', 'follow_type', 'follower_type'];
const BREAKDOWNS: Record<string, string[]> = {
  reach: BY_PRODUCT_AND_FOLLOW,
  views: BY_PRODUCT_AND_FOLLOW,
  ...Object.fromEntries(
    ['total_interactions', 'likes', 'comments', 'shares', 'saves'].map((metric) => [metric, BY_PRODUCT]),
  ),
  follows_and_unfollows: ['follow_type'],
  profile_links_taps: ['contact_button_type'],
};
const AUDIENCES = ['age', 'city', 'country', 'gender'];
const DAY_MS = 86_400_000;
const KEPT_MS = 90 * DAY_MS;
const NEEDED_FOLLOWERS = 100;
const TOP = 45;

/** instagram-facts 7.5 and 12. */
export function accountInsights(instagram: Instagram, request: GraphRequest, account: Account): object {
  const { params } = request;
  const period = params.get('period') ?? badParam('The parameter period is required');
  if (period !== 'day' && period !== 'lifetime') badParam('Param period must be day or lifetime');
  const known = period === 'day' ? DAY_METRICS : LIFETIME_METRICS;
  const list = `metric[0] must be one of the following values: ${known.join(', ')}`;
  const metrics = metricsOf(params, known, () => list);
  const type = params.get('metric_type') ?? 'time_series';
  if (type === 'time_series' && metrics.some((metric) => metric !== 'reach')) {
    badParam('The following metrics should be specified with parameter metric_type=total_value');
  }
  requireFollowers(account, metrics);
  const shape = { instagram, request, account };
  return period === 'lifetime' ? audience(shape, metrics) : daily(shape, metrics, type);
}

interface Asked {
  instagram: Instagram;
  request: GraphRequest;
  account: Account;
}

/** Metrics of followers need 100 of them. */
function requireFollowers({ followers }: Account, metrics: string[]): void {
  const needy = [...LIFETIME_METRICS, 'follows_and_unfollows'];
  if (followers >= NEEDED_FOLLOWERS || !metrics.some((metric) => needy.includes(metric))) return;
  refuseGraph({ code: 10, message: '(#10) Not enough users to show this metric' });
}

/** The top 45 of one breakdown, and only two time frames (instagram-facts 12). */
function audience({ instagram, request: { params }, account }: Asked, metrics: string[]): object {
  const breakdown = params.get('breakdown') ?? '';
  if (!AUDIENCES.includes(breakdown)) badParam('The parameter breakdown is required');
  const timeframe = params.get('timeframe') ?? 'this_month';
  if (timeframe !== 'this_week' && timeframe !== 'this_month') {
    badParam('Param timeframe must be this_week or this_month');
  }
  const told = instagram.state.demographics[account.id] ?? {};
  const data = metrics.map((metric) => {
    const all = Object.entries(told[`${metric}/${breakdown}/${timeframe}`] ?? {});
    const top = Object.fromEntries(all.toSorted(([, a], [, b]) => b - a).slice(0, TOP));
    const sum = all.reduce((before, [, value]) => before + value, 0);
    return { ...named(account, metric, 'lifetime'), ...totalValue(sum, breakdown, top) };
  });
  return { data };
}

function daily({ instagram, request, account }: Asked, metrics: string[], type: string): object {
  const { params } = request;
  const breakdown = params.get('breakdown');
  requireBreakdown(metrics, breakdown, BREAKDOWNS);
  const now = instagram.core.clock.now();
  const until = timeParam(params, 'until') ?? now;
  const since = timeParam(params, 'since') ?? until - DAY_MS;
  if (since > until) badParam('Param since must not be after until');
  if (until - since > 30 * DAY_MS) badParam('There cannot be more than 30 days between since and until');
  const days = pacificDays(since, until).filter(({ start, end }) => start <= now && end > now - KEPT_MS);
  if (days.length === 0) return { data: [] };
  const data = metrics.map((metric) => ({
    ...named(account, metric, 'day'),
    ...(type === 'total_value'
      ? total({ instagram, request, account }, metric, days, breakdown)
      : { values: series({ instagram, request, account }, metric, days, now) }),
  }));
  return { data, paging: windows(request, since, until) };
}

/** Only days that have ended have a place in a series. */
function series({ instagram, account }: Asked, metric: string, days: PacificDay[], now: number): object[] {
  const told = instagram.state.accountDays[account.id] ?? {};
  return days
    .filter(({ end }) => end <= now)
    .map(({ day, end }) => ({ value: told[day]?.metrics[metric] ?? 0, end_time: graphTime(end) }));
}

/** Where a test set no days, the numbers of the media count. */
function total(
  { instagram, account }: Asked,
  metric: string,
  days: PacificDay[],
  breakdown: string | null,
): object {
  const told = instagram.state.accountDays[account.id];
  if (told === undefined) return totalValue(sumOfMedia(instagram, account, metric), breakdown, {});
  const mine = days.flatMap(({ day }) => told[day] ?? []);
  const sum = mine.reduce((all, { metrics }) => all + (metrics[metric] ?? 0), 0);
  return totalValue(sum, breakdown, sumOfBreakdowns(mine, `${metric}/${breakdown}`));
}

function sumOfBreakdowns(days: AccountDay[], name: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [dimension, value] of days.flatMap((day) => Object.entries(day.breakdowns[name] ?? {}))) {
    sums[dimension] = (sums[dimension] ?? 0) + value;
  }
  return sums;
}

function sumOfMedia(instagram: Instagram, { id }: Account, metric: string): number {
  const name = metric === 'saves' ? 'saved' : metric;
  return mediaOf(instagram, id).reduce((sum, media) => sum + valueOf(instagram, media, name), 0);
}

function named({ id }: Account, metric: string, period: string): object {
  const about = { title: metric, description: `How many ${metric}` };
  return { name: metric, period, ...about, id: `${id}/insights/${metric}/${period}` };
}

/** The windows before and after, with the token in their URLs (instagram-facts 12). */
function windows({ call, params }: GraphRequest, since: number, until: number): object {
  const moved = (by: number): string => {
    const query = new URLSearchParams(params);
    query.set('since', String(Math.floor((since + by) / 1_000)));
    query.set('until', String(Math.floor((until + by) / 1_000)));
    return `${call.url.origin}${call.url.pathname}?${query.toString()}`;
  };
  const span = Math.max(until - since, DAY_MS);
  return { previous: moved(-span), next: moved(span) };
}
