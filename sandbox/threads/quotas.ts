import type { Route } from '../core/http.ts';
import type { GraphNode } from '../meta/fields.ts';
import { requireScope, type CheckAccess } from './access.ts';
import type { Threads } from './context.ts';
import { fieldsOf, graphRoutes, ownProfile, pick, type ThreadsRequest } from './graph.ts';
import { configuredError } from './problems.ts';
import type { ThreadsState } from './state.ts';

type Quota = ThreadsState['spent'][number]['what'];
const DAY_MS = 86_400_000;

function used({ core, state }: Threads, userId: string, quota: Quota): number {
  const since = core.clock.now() - DAY_MS;
  return state.spent.filter(
    ({ what, at, ...spent }) => spent.userId === userId && what === quota && at > since,
  ).length;
}

function totals({ options }: Threads): Record<Quota, number> {
  const { postsPerDay, repliesPerDay, deletesPerDay, locationSearchesPerDay } = options;
  return { post: postsPerDay, reply: repliesPerDay, delete: deletesPerDay, location: locationSearchesPerDay };
}

/** threads-facts 4.7: rolling 24 hours. The error is UNCONFIRMED. */
export function requireQuota(threads: Threads, userId: string, quota: Quota): void {
  if (used(threads, userId, quota) < totals(threads)[quota]) return;
  configuredError(threads.options.quotaError, 'Application request limit reached');
}

export function spend({ core, state }: Threads, userId: string, what: Quota): void {
  const at = core.clock.now();
  state.spent = state.spent.filter((spent) => spent.at > at - 2 * DAY_MS);
  state.spent.push({ userId, what, at });
}

const SCOPES: Record<string, string> = {
  reply: 'threads_manage_replies',
  delete: 'threads_delete',
  location_search: 'threads_location_tagging',
};
const QUOTAS: [string, Quota][] = [
  ['', 'post'],
  ['reply_', 'reply'],
  ['delete_', 'delete'],
  ['location_search_', 'location'],
];

export function quotaRoutes(threads: Threads, access: CheckAccess): Route[] {
  /** Only the requested fields; one missing scope fails the whole call (threads-facts 4.7). */
  function limit(request: ThreadsRequest): object {
    const userId = ownProfile(request);
    requireScope(request.access, 'threads_basic', 'threads_content_publish');
    const fields = fieldsOf(request.params, ['quota_usage', 'config']);
    for (const { name } of fields) {
      const scope = SCOPES[name.replace(/_?(quota_usage|config)$/, '')];
      if (scope !== undefined) requireScope(request.access, scope);
    }
    const node: GraphNode = {};
    for (const [prefix, quota] of QUOTAS) {
      node[`${prefix}quota_usage`] = used(threads, userId, quota);
      node[`${prefix}config`] = { quota_total: totals(threads)[quota], quota_duration: 86_400 };
    }
    return { data: [pick(threads, node, fields)] };
  }

  return graphRoutes(threads, access, [
    { method: 'GET', path: '/{id}/threads_publishing_limit', endpoint: 'threads.limit', handle: limit },
  ]);
}
