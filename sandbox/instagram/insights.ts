import type { Route } from '../core/http.ts';
import { refuseGraph } from '../meta/errors.ts';
import { graphTime, timeParam } from '../meta/paging.ts';
import { accountFor, notFound, requireScope, type CheckAccess } from './access.ts';
import { accountOf, mediaOf, type Instagram } from './context.ts';
import { graphRoutes, type GraphRequest } from './graph.ts';
import { ownMedia } from './node-routes.ts';
import { badParam } from './problems.ts';
import type { Media } from './state.ts';

const EVERYWHERE = ['views', 'reach', 'shares', 'total_interactions', 'reposts'];
const ON_POSTS = ['likes', 'comments', 'saved'];
const ON_PROFILE = ['profile_visits', 'profile_activity', 'follows'];

/** instagram-facts 7.4: the metrics of each kind of media. A metric of another kind fails the whole call. */
const MEDIA_METRICS: Record<Media['productType'], string[]> = {
  FEED: [...EVERYWHERE, ...ON_POSTS, ...ON_PROFILE],
  REELS: [
    ...EVERYWHERE,
    ...ON_POSTS,
    'ig_reels_avg_watch_time',
    'ig_reels_video_view_total_time',
    'reels_skip_rate',
    'crossposted_views',
  ],
  STORY: [...EVERYWHERE, ...ON_PROFILE, 'navigation', 'replies', 'link_clicks'],
};
/** instagram-facts 7.5: `day` with total values only; `reach` is a time series too. */
const DAY_METRICS =
  `reach views total_interactions likes comments shares saves replies reposts accounts_engaged
  follows_and_unfollows profile_links_taps`.split(/\s+/);
const LIFETIME_METRICS = ['follower_demographics', 'engaged_audience_demographics'];
const DAY_MS = 86_400_000;
const NEEDED_FOLLOWERS = 100;

export function insightRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core, options, state } = instagram;

  function mediaValue(media: Media, metric: string): number {
    const comments = state.comments.filter(({ mediaId }) => mediaId === media.id).length;
    const { likes, views, reach, shares, saved } = media;
    const values: Record<string, number> = { likes, views, reach, shares, saved, comments };
    return metric === 'total_interactions' ? likes + comments + shares + saved : (values[metric] ?? 0);
  }

  /** Missing data is an empty list, not 0: at first, and for stories after a day (instagram-facts 7.4). */
  function mediaInsights(request: GraphRequest, media: Media): object {
    const metrics = metricsOf(request.params, MEDIA_METRICS[media.productType], unsupported);
    const age = core.clock.now() - media.createdAt;
    if (media.productType === 'STORY' && media.views < 5) {
      refuseGraph({ code: 10, message: '(#10) Not enough viewers for the media to show insights' });
    }
    if (age < options.insightsDelayMs || (media.productType === 'STORY' && age > DAY_MS)) return { data: [] };
    const data = metrics.map((metric) => ({
      name: metric,
      period: 'lifetime',
      values: [{ value: mediaValue(media, metric) }],
      title: metric,
      description: `How many ${metric}`,
      id: `${media.id}/insights/${metric}/lifetime`,
    }));
    return { data };
  }

  function accountInsights({ params }: GraphRequest, accountId: string): object {
    const period = params.get('period') ?? badParam('The parameter period is required');
    if (period !== 'day' && period !== 'lifetime') badParam('Param period must be day or lifetime');
    const known = period === 'day' ? DAY_METRICS : LIFETIME_METRICS;
    const metrics = metricsOf(
      params,
      known,
      () => `metric[0] must be one of the following values: ${known.join(', ')}`,
    );
    const type = params.get('metric_type') ?? 'time_series';
    if (type === 'time_series' && metrics.some((metric) => metric !== 'reach')) {
      badParam('The following metrics should be specified with parameter metric_type=total_value');
    }
    if (period === 'lifetime') requireAudience(accountId, params);
    const until = timeParam(params, 'until') ?? core.clock.now();
    const since = timeParam(params, 'since') ?? until - DAY_MS;
    if (until - since > 30 * DAY_MS) badParam('There cannot be more than 30 days between since and until');
    const data = metrics.map((metric) => ({
      name: metric,
      period,
      title: metric,
      description: `How many ${metric}`,
      ...(type === 'total_value'
        ? { total_value: { value: sum(accountId, metric) } }
        : { values: days(since, until) }),
      id: `${accountId}/insights/${metric}/${period}`,
    }));
    return { data };
  }

  function requireAudience(accountId: string, params: URLSearchParams): void {
    if (!['age', 'city', 'country', 'gender'].includes(params.get('breakdown') ?? '')) {
      badParam('The parameter breakdown is required');
    }
    if (accountOf(instagram, accountId).followers < NEEDED_FOLLOWERS) {
      refuseGraph({ code: 10, message: '(#10) Not enough users to show this metric' });
    }
  }

  function sum(accountId: string, metric: string): number {
    const name = metric === 'saves' ? 'saved' : metric;
    return mediaOf(instagram, accountId).reduce((total, media) => total + mediaValue(media, name), 0);
  }

  function insights(request: GraphRequest): object {
    requireScope(
      request.access,
      ['instagram_basic', 'instagram_manage_insights'],
      'instagram_business_manage_insights',
    );
    const { id } = request;
    if (state.media.some((media) => media.id === id))
      return mediaInsights(request, ownMedia(instagram, request));
    // Children of an album have none (instagram-facts 7.4).
    if (state.media.some(({ children }) => children.some((child) => child.id === id))) return notFound(id);
    return accountInsights(request, accountFor(instagram, request.access, id).id);
  }

  return graphRoutes(instagram, access, [
    { method: 'GET', path: '/{id}/insights', endpoint: 'instagram.insights', handle: insights },
  ]);
}

/** Days end at midnight in California (instagram-facts 7.5). */
function days(since: number, until: number): object[] {
  const values: object[] = [];
  const first = Math.ceil((since - 8 * 3_600_000) / DAY_MS) * DAY_MS + 8 * 3_600_000;
  for (let end = first; end <= until; end += DAY_MS) values.push({ value: 0, end_time: graphTime(end) });
  return values;
}

function metricsOf(params: URLSearchParams, known: string[], unknown: (metric: string) => string): string[] {
  const metrics = params.get('metric')?.split(',') ?? badParam('The parameter metric is required');
  for (const metric of metrics) {
    if (['impressions', 'plays', 'video_views', 'engagement'].includes(metric)) {
      badParam(`Starting from version 22 and above, the ${metric} metric is no longer supported`);
    }
    if (!known.includes(metric)) badParam(unknown(metric));
  }
  return metrics;
}

function unsupported(metric: string): string {
  return `The Media Insights API does not support the ${metric} metric for this media product type.`;
}
