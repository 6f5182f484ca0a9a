import { refuseGraph } from '../meta/errors.ts';
import type { Stack } from './access.ts';
import { accountOf, type Instagram } from './context.ts';
import type { GraphRequest } from './graph.ts';
import { metricsOf, requireBreakdown, totalValue } from './metrics.ts';
import { commentsCount } from './nodes.ts';
import { badParam } from './problems.ts';
import type { Media } from './state.ts';

const EVERYWHERE = ['views', 'reach', 'shares', 'reposts', 'total_interactions'];
const ON_POSTS = ['likes', 'comments', 'saved'];
const ON_PROFILE = ['follows', 'profile_visits', 'profile_activity'];

/** instagram-facts 12: the metrics of each kind of media. */
const METRICS: Record<Media['productType'], string[]> = {
  FEED: [...EVERYWHERE, ...ON_POSTS, ...ON_PROFILE],
  REELS: [
    ...EVERYWHERE,
    ...ON_POSTS,
    'ig_reels_avg_watch_time',
    'ig_reels_video_view_total_time',
    'reels_skip_rate',
    'crossposted_views',
  ],
  STORY: [...EVERYWHERE, ...ON_PROFILE, 'navigation', 'replies'],
};
/** Those of Facebook Login only (instagram-facts 3.1 and 12). */
const FACEBOOK_METRICS: Record<Media['productType'], string[]> = {
  FEED: ['facebook_views', 'total_likes', 'total_comments', 'total_views'],
  REELS: ['facebook_views', 'total_likes', 'total_comments', 'total_views'],
  STORY: ['facebook_views', 'link_clicks', 'total_views'],
};
const ON_FACEBOOK = ['facebook_views', 'crossposted_views'];
const BREAKDOWNS = { profile_activity: ['action_type'], navigation: ['story_navigation_action_type'] };
const DAY_MS = 86_400_000;
const KEPT_MS = 730 * DAY_MS;
const NEEDED_VIEWERS = 5;

/** instagram-facts 7.4 and 12. */
export function mediaInsights(instagram: Instagram, request: GraphRequest, media: Media): object {
  const { params, stack } = request;
  const metrics = metricsOf(params, metricsFor(media, stack), unsupported);
  const breakdown = params.get('breakdown');
  if ((params.get('period') ?? 'lifetime') !== 'lifetime') badParam('Param period must be lifetime');
  requireBreakdown(metrics, breakdown, BREAKDOWNS);
  requireInsights(instagram, media, metrics);
  if (!hasData(instagram, media)) return { data: [] };
  const data = metrics.map((metric) => {
    const value = valueOf(instagram, media, metric);
    return {
      name: metric,
      period: 'lifetime',
      ...(breakdown === null
        ? { values: [{ value }] }
        : totalValue(value, breakdown, media.breakdowns[metric] ?? {})),
      title: metric,
      description: `How many ${metric}`,
      id: `${media.id}/insights/${metric}/lifetime`,
    };
  });
  return { data };
}

function metricsFor({ productType }: Media, stack: Stack): string[] {
  return stack === 'login'
    ? METRICS[productType]
    : [...METRICS[productType], ...FACEBOOK_METRICS[productType]];
}

function requireInsights(instagram: Instagram, media: Media, metrics: string[]): void {
  const { convertedAt } = accountOf(instagram, media.accountId);
  if (convertedAt !== undefined && media.createdAt < convertedAt) {
    const message = 'Media posted before business account conversion';
    refuseGraph({ code: 100, subcode: 2_108_006, message });
  }
  const refused = metrics.find((metric) => isRefused(instagram, media, metric));
  if (refused !== undefined) badParam(`The metric ${refused} is not supported for this media type`);
  if (!media.sharedToFacebook && metrics.some((metric) => ON_FACEBOOK.includes(metric))) {
    badParam('The media is not shared to Facebook');
  }
  if (media.productType === 'STORY' && media.views < NEEDED_VIEWERS) {
    refuseGraph({ code: 10, message: '(#10) Not enough viewers for the media to show insights' });
  }
}

/** Practice is narrower than the table of metrics (instagram-facts 12). */
function isRefused({ state }: Instagram, media: Media, metric: string): boolean {
  return state.refusedMetrics.some(
    (refused) =>
      refused.metric === metric &&
      (refused.productType ?? media.productType) === media.productType &&
      (refused.mediaType ?? media.mediaType) === media.mediaType,
  );
}

/** Missing data is an empty list: at first, for stories after a day, for all media after two years (instagram-facts 7.4). */
function hasData({ core, options }: Instagram, { createdAt, productType }: Media): boolean {
  const age = core.clock.now() - createdAt;
  return age >= options.insightsDelayMs && age <= (productType === 'STORY' ? DAY_MS : KEPT_MS);
}

export function valueOf(instagram: Instagram, media: Media, metric: string): number {
  const comments = commentsCount(instagram, media);
  const { likes, views, reach, reposts, shares, saved } = media;
  const values: Record<string, number> = {
    likes,
    views,
    reach,
    reposts,
    shares,
    saved,
    comments,
    total_likes: likes,
    total_comments: comments,
    total_views: views,
    total_interactions: likes + comments + shares + saved + reposts,
    ...media.metrics,
  };
  return (
    values[metric] ?? Object.values(media.breakdowns[metric] ?? {}).reduce((sum, value) => sum + value, 0)
  );
}

function unsupported(metric: string): string {
  return `The Media Insights API does not support the ${metric} metric for this media product type.`;
}
