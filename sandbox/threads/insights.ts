import type { Route } from '../core/http.ts';
import { requireScope, type CheckAccess } from './access.ts';
import type { Threads } from './context.ts';
import { graphRoutes, type ThreadsRequest } from './graph.ts';
import { metricsOf } from './metrics.ts';
import { countsOf, readPost } from './posts.ts';
import { notFound } from './problems.ts';
import { profileInsights } from './user-insights.ts';

const POST_METRICS = ['views', 'likes', 'replies', 'reposts', 'quotes', 'shares'];

/** threads-facts 8. One wrong metric fails the whole call. */
export function insightRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { options } = threads;

  function ofPost(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_manage_insights');
    const post = readPost(threads, request.id);
    if (post.userId !== request.access.held.userId) return notFound(post.id);
    const refused = [...options.refusedPostMetrics, ...post.refusedMetrics];
    const metrics = metricsOf(request.params, POST_METRICS, refused);
    // Not applicable, which differs from zero (threads-facts 8.1).
    if (post.kind === 'REPOST_FACADE' || post.emptyInsights) return { data: [] };
    const counts = countsOf(threads, post);
    const data = metrics.map((name) => ({
      name,
      period: 'lifetime',
      values: [{ value: counts[name] }],
      title: name,
      description: `How many ${name}`,
      id: `${post.id}/insights/${name}/lifetime`,
    }));
    return { data };
  }

  const ofProfile = profileInsights(threads);
  return graphRoutes(threads, access, [
    { method: 'GET', path: '/{id}/insights', endpoint: 'threads.insights', handle: ofPost },
    { method: 'GET', path: '/{id}/threads_insights', endpoint: 'threads.user_insights', handle: ofProfile },
  ]);
}
