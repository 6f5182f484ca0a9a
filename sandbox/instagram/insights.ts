import type { Route } from '../core/http.ts';
import { accountInsights } from './account-insights.ts';
import { accountFor, notFound, requireScope, type CheckAccess } from './access.ts';
import type { Instagram } from './context.ts';
import { graphRoutes, type GraphRequest } from './graph.ts';
import { mediaInsights } from './media-insights.ts';
import { ownMedia } from './node-routes.ts';

/** instagram-facts 7.4 and 7.5: one edge for media and accounts. */
export function insightRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { state } = instagram;

  function insights(request: GraphRequest): object {
    requireScope(
      request.access,
      ['instagram_basic', 'instagram_manage_insights'],
      'instagram_business_manage_insights',
    );
    const { id } = request;
    if (state.media.some((media) => media.id === id)) {
      return mediaInsights(instagram, request, ownMedia(instagram, request));
    }
    // Children of an album have none (instagram-facts 7.4).
    if (state.media.some(({ children }) => children.some((child) => child.id === id))) return notFound(id);
    return accountInsights(instagram, request, accountFor(instagram, request.access, id));
  }

  function variant(id: string | undefined): string {
    return state.media.some((media) => media.id === id) ? 'media' : 'account';
  }

  return graphRoutes(instagram, access, [
    {
      method: 'GET',
      path: '/{id}/insights',
      endpoint: 'instagram.insights',
      variant: ({ params }) => variant(params['id']),
      handle: insights,
    },
  ]);
}
