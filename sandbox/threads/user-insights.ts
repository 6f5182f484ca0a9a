import { pacificDays, type PacificDay } from '../meta/pacific.ts';
import { graphTime, timeParam } from '../meta/paging.ts';
import { tokenOf } from '../meta/request.ts';
import { requireScope } from './access.ts';
import { profileOf, type Threads } from './context.ts';
import { ownProfile, type ThreadsRequest } from './graph.ts';
import { metricsOf } from './metrics.ts';
import { countsOf, postsOf } from './posts.ts';
import { apiError, badParam } from './problems.ts';

const COUNTED = ['likes', 'replies', 'reposts', 'quotes'] as const;
const FOLLOWERS = ['followers_count', 'follower_demographics'];
const USER_METRICS = ['views', ...COUNTED, 'clicks', ...FOLLOWERS];
export const BREAKDOWNS = ['country', 'city', 'age', 'gender'];
/** 13 April 2024 (threads-facts 8.2). */
const EARLIEST_MS = 1_712_991_600_000;
const DAY_MS = 86_400_000;

interface Window {
  since: number;
  until: number;
}

/** threads-facts 8.2: GET /{user}/threads_insights. */
export function profileInsights(threads: Threads) {
  const { options } = threads;

  return (request: ThreadsRequest): object => {
    const userId = ownProfile(request);
    const { params } = request;
    requireScope(request.access, 'threads_basic', 'threads_manage_insights');
    const metrics = metricsOf(params, USER_METRICS, options.refusedUserMetrics);
    if (metrics.includes('views') && options.requirePeriod && params.get('period') !== 'day') {
      badParam('(#100) The period param is required for this metric');
    }
    if (metrics.some((metric) => FOLLOWERS.includes(metric))) {
      checkFollowers(threads, params, userId, metrics.includes('follower_demographics'));
    }
    const window = windowOf(threads, params);
    const data = metrics.map((name) => ({
      name,
      period: 'day',
      ...shapeOf(threads, request, name, window),
      title: name,
      id: `${userId}/insights/${name}/day`,
    }));
    return { data, paging: windowLinks(request, window) };
  };
}

/** Without `since` and `until`: yesterday to today. */
function windowOf({ core }: Threads, params: URLSearchParams): Window {
  const now = core.clock.now();
  const until = timeParam(params, 'until') ?? now;
  const since = timeParam(params, 'since') ?? until - DAY_MS;
  if (since < EARLIEST_MS) badParam('Param since is too early');
  if (until > now + DAY_MS) badParam('Param until must not be in the future');
  return { since, until };
}

function checkFollowers(threads: Threads, params: URLSearchParams, userId: string, split: boolean): void {
  const { linkedInstagram, followers } = profileOf(threads, userId);
  if (!linkedInstagram) apiError(threads, 'FEATURE_NOT_AVAILABLE');
  if (params.has('since') || params.has('until'))
    badParam('since and until are not supported by this metric');
  if (!split) return;
  // Exactly one (threads-facts 8.2).
  if (!BREAKDOWNS.includes(params.get('breakdown') ?? '')) badParam('The parameter breakdown is required');
  if (followers < 100) badParam('Not enough followers');
}

/** A series for views, a total for the rest, links for clicks (threads-facts 8.2). */
function shapeOf(threads: Threads, request: ThreadsRequest, metric: string, window: Window): object {
  const { id: userId, params } = request;
  switch (metric) {
    case 'views':
      return { values: views(threads, userId, window) };
    case 'clicks':
      return clicks(threads, userId, window);
    case 'followers_count':
      return { total_value: { value: profileOf(threads, userId).followers } };
    case 'follower_demographics':
      return { total_value: { breakdowns: demographics(threads, userId, params.get('breakdown') ?? '') } };
    default:
      return { total_value: { value: total(threads, userId, metric, window) } };
  }
}

/** The days that end in the window (threads-facts 16.3). */
function daysIn({ since, until }: Window): PacificDay[] {
  return pacificDays(since, until).filter(({ end }) => end <= until);
}

/** The days that a test has set; null: none, so that the numbers follow from the posts. */
function told({ state }: Threads, userId: string, window: Window) {
  const numbers = state.numbers[userId];
  if (numbers === undefined) return null;
  return daysIn(window).flatMap(({ day, end }) => {
    const found = numbers[day];
    return found === undefined ? [] : [{ end, ...found }];
  });
}

/** A day without data is left out; it is not zero (threads-facts 16.3). */
function views(threads: Threads, userId: string, window: Window): object[] {
  const days = told(threads, userId, window);
  if (days !== null) {
    return days.flatMap(({ end, views: value }) =>
      value === undefined ? [] : [{ value, end_time: graphTime(end) }],
    );
  }
  const all = sumOfPosts(threads, userId, 'views');
  const ends = daysIn(window);
  return ends.map(({ end }, index) => ({
    value: index === ends.length - 1 ? all : 0,
    end_time: graphTime(end),
  }));
}

function total(threads: Threads, userId: string, metric: string, window: Window): number {
  const days = told(threads, userId, window);
  const name = COUNTED.find((one) => one === metric);
  if (days === null || name === undefined) return sumOfPosts(threads, userId, metric);
  return days.reduce((sum, day) => sum + (day[name] ?? 0), 0);
}

function sumOfPosts(threads: Threads, userId: string, metric: string): number {
  const live = postsOf(threads, userId).filter(({ deletedAt }) => deletedAt === null);
  return live.reduce((sum, post) => sum + (countsOf(threads, post)[metric] ?? 0), 0);
}

function clicks(threads: Threads, userId: string, window: Window): object {
  const byLink = new Map<string, number>();
  for (const day of told(threads, userId, window) ?? []) {
    for (const [link, value] of Object.entries(day.clicks ?? {})) {
      byLink.set(link, (byLink.get(link) ?? 0) + value);
    }
  }
  if (byLink.size === 0 && threads.options.noClicks === 'absent') return {};
  return { link_total_values: [...byLink].map(([link_url, value]) => ({ value, link_url })) };
}

function demographics({ state }: Threads, userId: string, breakdown: string): object[] {
  const values = state.demographics[userId]?.[breakdown];
  if (values === undefined) return [];
  const results = Object.entries(values).map(([name, value]) => ({ dimension_values: [name], value }));
  return [{ dimension_keys: [breakdown], results }];
}

/** The windows before and after, with the access token in them (threads-facts 16.6). */
function windowLinks({ call, params }: ThreadsRequest, { since, until }: Window): object {
  const span = until - since;
  const to = (from: number): string => {
    const query = new URLSearchParams(params);
    query.set('access_token', tokenOf(call, params) ?? '');
    query.set('since', String(Math.floor(from / 1_000)));
    query.set('until', String(Math.floor((from + span) / 1_000)));
    return `${call.url.origin}${call.url.pathname}?${query.toString()}`;
  };
  return { previous: to(since - span), next: to(until) };
}
