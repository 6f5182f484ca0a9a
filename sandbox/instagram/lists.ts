import type { Route } from '../core/http.ts';
import { timeParam } from '../meta/paging.ts';
import { accountFor, requireScope, type CheckAccess } from './access.ts';
import { mediaOf, type Instagram } from './context.ts';
import { fieldsOf, graphRoutes, pick, type GraphRequest } from './graph.ts';
import { mediaNode } from './nodes.ts';
import { pageOf } from './pages.ts';

const NEWEST_MEDIA = 10_000;
const DAY_MS = 86_400_000;

/** instagram-facts 7.1: media and stories. */
export function listRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core, options } = instagram;

  /** Newest first; the id only, unless fields are named; stories are elsewhere and live 24 hours (instagram-facts 7.1). */
  function list(request: GraphRequest, stories: boolean): object {
    const { access: granted, id, params, stack } = request;
    requireScope(granted, ['instagram_basic'], 'instagram_business_basic');
    const account = accountFor(instagram, granted, id);
    const since = timeParam(params, 'since') ?? -Infinity;
    const until = timeParam(params, 'until') ?? Infinity;
    const now = core.clock.now();
    const oldest = stories ? now - DAY_MS : -Infinity;
    const newest = stories ? now : now - options.mediaListLagMs;
    const all = mediaOf(instagram, account.id)
      .toReversed()
      .filter(({ productType }) => (productType === 'STORY') === stories)
      .filter(({ createdAt }) => createdAt >= Math.max(since, oldest) && createdAt <= Math.min(until, newest))
      .toSorted((a, b) => b.createdAt - a.createdAt)
      .slice(0, NEWEST_MEDIA);
    const rules = { defaultLimit: 25, maxLimit: options.mediaPageLimit, refuseOver: false };
    const { items, paging } = pageOf(instagram, request, stories ? 'stories' : 'media', all, rules);
    const fields = fieldsOf(params, ['id']);
    const data = items.map((media) => pick(mediaNode(instagram, media, stack), 'IGMedia', fields));
    return { data, ...(paging === undefined ? {} : { paging }) };
  }

  return graphRoutes(instagram, access, [
    { method: 'GET', path: '/{id}/media', endpoint: 'instagram.media', handle: (call) => list(call, false) },
    {
      method: 'GET',
      path: '/{id}/stories',
      endpoint: 'instagram.stories',
      handle: (call) => list(call, true),
    },
  ]);
}
