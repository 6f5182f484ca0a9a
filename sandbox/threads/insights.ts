import type { Route } from '../core/http.ts';
import { graphTime, timeParam } from '../meta/paging.ts';
import { requireScope, type CheckAccess } from './access.ts';
import { profileOf, type Threads } from './context.ts';
import { graphRoutes, ownProfile, type ThreadsRequest } from './graph.ts';
import { apiError, badParam, notFound } from './problems.ts';
import type { Post } from './state.ts';

const POST_METRICS = ['views', 'likes', 'replies', 'reposts', 'quotes', 'shares'];
const FOLLOWERS = ['followers_count', 'follower_demographics'];
const USER_METRICS = ['views', 'likes', 'replies', 'reposts', 'quotes', 'clicks', ...FOLLOWERS];
/** 13 April 2024 (threads-facts 8.2). */
const EARLIEST_MS = 1_712_991_600_000;
const DAY_MS = 86_400_000;

/** threads-facts 8. One wrong metric fails the whole call. */
export function insightRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { core, options, state } = threads;

  function valueOf(post: Post, metric: string): number {
    const replies = state.posts.filter(
      ({ rootId, replyTo }) => rootId === post.id || replyTo === post.id,
    ).length;
    const reposts = state.posts.filter(({ repostOf }) => repostOf === post.id).length;
    const { views, likes, quotes, shares } = post;
    return { views, likes, quotes, shares, replies, reposts }[metric] ?? 0;
  }

  function ofPost(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_manage_insights');
    const post = state.posts.find(({ id }) => id === request.id);
    if (post === undefined || post.userId !== request.access.held.userId) return notFound(request.id);
    const metrics = metricsOf(request.params, POST_METRICS);
    // Not applicable, which differs from zero (threads-facts 8.1).
    if (post.kind === 'REPOST_FACADE') return { data: [] };
    const data = metrics.map((name) => ({
      name,
      period: 'lifetime',
      values: [{ value: valueOf(post, name) }],
      title: name,
      description: `How many ${name}`,
      id: `${post.id}/insights/${name}/lifetime`,
    }));
    return { data };
  }

  function ofProfile(request: ThreadsRequest): object {
    const userId = ownProfile(request);
    const { params } = request;
    requireScope(request.access, 'threads_basic', 'threads_manage_insights');
    const metrics = metricsOf(params, USER_METRICS);
    const period = params.get('period');
    if (metrics.includes('views') && options.requirePeriod && period !== 'day') {
      badParam('(#100) The period param is required for this metric');
    }
    const followers = metrics.filter((metric) => FOLLOWERS.includes(metric));
    if (followers.length > 0) checkFollowers(request, userId, metrics);
    const until = timeParam(params, 'until') ?? core.clock.now();
    const since = timeParam(params, 'since') ?? until - DAY_MS;
    if (since < EARLIEST_MS) badParam('Param since is too early');
    const data = metrics.map((name) => ({
      name,
      period: 'day',
      ...shapeOf(userId, name, since, until),
      title: name,
      id: `${userId}/insights/${name}/day`,
    }));
    return { data };
  }

  function checkFollowers({ params }: ThreadsRequest, userId: string, metrics: string[]): void {
    const { linkedInstagram, followers } = profileOf(threads, userId);
    if (!linkedInstagram) apiError(threads, 'FEATURE_NOT_AVAILABLE');
    if (params.has('since') || params.has('until'))
      badParam('since and until are not supported by this metric');
    if (!metrics.includes('follower_demographics')) return;
    const breakdown = params.get('breakdown') ?? '';
    if (!['country', 'city', 'age', 'gender'].includes(breakdown))
      badParam('The parameter breakdown is required');
    if (followers < 100) badParam('Not enough followers');
  }

  /** A series for views, a total for the rest, links for clicks (threads-facts 8.2). */
  function shapeOf(userId: string, metric: string, since: number, until: number): object {
    const { followers } = profileOf(threads, userId);
    const mine = state.posts.filter((post) => post.userId === userId);
    const total = mine.reduce((sum, post) => sum + valueOf(post, metric), 0);
    if (metric === 'clicks') return { link_total_values: [] };
    if (metric === 'views') return { values: days(since, until, total) };
    if (metric === 'follower_demographics') return { total_value: { breakdowns: [] } };
    return { total_value: { value: metric === 'followers_count' ? followers : total } };
  }

  return graphRoutes(access, [
    { method: 'GET', path: '/{id}/insights', endpoint: 'threads.insights', handle: ofPost },
    { method: 'GET', path: '/{id}/threads_insights', endpoint: 'threads.user_insights', handle: ofProfile },
  ]);
}

function metricsOf(params: URLSearchParams, known: string[]): string[] {
  const metrics = (params.get('metric') ?? '').split(',');
  const unknown = metrics.find((metric) => !known.includes(metric));
  if (unknown !== undefined)
    badParam(`(#100) metric must be one of the following values: ${known.join(', ')}`);
  return metrics;
}

/** Days end at midnight in California (threads-facts 8.2); the last day has the whole total. */
function days(since: number, until: number, total: number): object[] {
  const ends: number[] = [];
  const first = Math.ceil((since - 8 * 3_600_000) / DAY_MS) * DAY_MS + 8 * 3_600_000;
  for (let end = first; end <= until; end += DAY_MS) ends.push(end);
  return ends.map((end, index) => ({
    value: index === ends.length - 1 ? total : 0,
    end_time: graphTime(end),
  }));
}
