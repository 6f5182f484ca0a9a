import type { Route } from '../core/http.ts';
import { refuseGraph } from '../meta/errors.ts';
import { timeParam } from '../meta/paging.ts';
import { accountFor, requireScope, type CheckAccess } from './access.ts';
import { accountOf, type Instagram } from './context.ts';
import { fieldsOf, graphRoutes, pick, type GraphRequest } from './graph.ts';
import { badParam, problemError, refuseFor } from './problems.ts';

const DAY_MS = 86_400_000;

function quotaTotal(instagram: Instagram, accountId: string): number {
  return accountOf(instagram, accountId).quotaTotal ?? instagram.options.quotaTotal;
}

function published({ state }: Instagram, accountId: string, since: number): number {
  return state.publishes.filter((publish) => publish.accountId === accountId && publish.at > since).length;
}

/** instagram-facts 4.5 and 5.2: media_publish in the moving 24 hours; a carousel counts once. */
export function requireQuota(instagram: Instagram, accountId: string): void {
  const used = published(instagram, accountId, instagram.core.clock.now() - DAY_MS);
  if (used >= quotaTotal(instagram, accountId)) refuseFor('quota', instagram.options.throttleStatus);
}

/** instagram-facts 4.1: 400 containers in the moving 24 hours. The error is not documented; this is the quota's. */
export function requireContainerRoom({ core, options, state }: Instagram, accountId: string): void {
  const since = core.clock.now() - DAY_MS;
  const mine = Object.values(state.containers).filter((container) => container.accountId === accountId);
  const recent = mine.filter(({ createdAt }) => createdAt > since);
  if (recent.length < options.containersPerDay) return;
  refuseGraph({ ...problemError('quota'), status: options.throttleStatus });
}

export function limitRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core } = instagram;

  /** `since` reaches back 24 hours at most; only quota_usage comes without `fields` (instagram-facts 4.5). */
  function limit({ access: granted, id, params }: GraphRequest): object {
    requireScope(
      granted,
      ['instagram_basic', 'instagram_content_publish'],
      'instagram_business_content_publish',
    );
    const account = accountFor(instagram, granted, id);
    const day = core.clock.now() - DAY_MS;
    const since = timeParam(params, 'since') ?? day;
    if (since < day - 60_000) badParam('Param since must be within the last 24 hours');
    const node = {
      quota_usage: published(instagram, account.id, since),
      config: { quota_total: quotaTotal(instagram, account.id), quota_duration: 86_400 },
    };
    return { data: [pick(node, 'IGUserContentPublishingLimit', fieldsOf(params, ['quota_usage']))] };
  }

  return graphRoutes(instagram, access, [
    { method: 'GET', path: '/{id}/content_publishing_limit', endpoint: 'instagram.limit', handle: limit },
  ]);
}
