import type { Route } from '../core/http.ts';
import { requireScope, type CheckAccess } from './access.ts';
import type { Threads } from './context.ts';
import { graphRoutes, type ThreadsRequest } from './graph.ts';
import { badParam, notFound } from './problems.ts';
import type { Post } from './state.ts';

/** threads-facts 6.4. */
export function moderationRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { state } = threads;

  /** A reply under a post of the caller. */
  function replyOf({ access: granted, id }: ThreadsRequest): Post {
    requireScope(granted, 'threads_basic', 'threads_manage_replies');
    const reply = state.posts.find((post) => post.id === id);
    const root = state.posts.find((post) => post.id === reply?.rootId);
    return reply === undefined || root?.userId !== granted.held.userId ? notFound(id) : reply;
  }

  /** Top-level replies only; those below follow them. */
  function hide(request: ThreadsRequest): object {
    const reply = replyOf(request);
    if (reply.replyTo !== reply.rootId) badParam('Only top-level replies can be hidden');
    reply.hidden = wordOf(request, 'hide');
    return { success: true };
  }

  /** An ignored reply can be approved later. */
  function approve(request: ThreadsRequest): object {
    const reply = replyOf(request);
    if (reply.approval === 'none') badParam('The reply does not wait for approval');
    reply.approval = wordOf(request, 'approve') ? 'approved' : 'ignored';
    return { success: true };
  }

  return graphRoutes(access, [
    { method: 'POST', path: '/{id}/manage_reply', endpoint: 'threads.manage_reply', handle: hide },
    {
      method: 'POST',
      path: '/{id}/manage_pending_reply',
      endpoint: 'threads.manage_pending_reply',
      handle: approve,
    },
  ]);
}

function wordOf({ params }: ThreadsRequest, name: string): boolean {
  const value = params.get(name);
  if (value !== 'true' && value !== 'false') badParam(`The parameter ${name} is required`);
  return value === 'true';
}
