import type { Route } from '../core/http.ts';
import { requireScope, type CheckAccess } from './access.ts';
import type { Threads } from './context.ts';
import { graphRoutes, type ThreadsRequest } from './graph.ts';
import { findPost, readPost } from './posts.ts';
import { badParam, notFound } from './problems.ts';
import type { Post } from './state.ts';

/** threads-facts 6.4. */
export function moderationRoutes(threads: Threads, access: CheckAccess): Route[] {
  /** A reply under a post of the caller. */
  function replyOf({ access: granted, id }: ThreadsRequest): Post {
    requireScope(granted, 'threads_basic', 'threads_manage_replies');
    const reply = readPost(threads, id);
    const root = findPost(threads, reply.rootId);
    return root?.userId === granted.held.userId ? reply : notFound(id);
  }

  /** Top-level replies only; those below follow them. */
  function hide(request: ThreadsRequest): object {
    const reply = replyOf(request);
    if (reply.replyTo !== reply.rootId) badParam('Only top-level replies can be hidden');
    if (wordOf(request, 'hide')) reply.hideStatus = 'HIDDEN';
    else if (reply.hideStatus === 'HIDDEN') reply.hideStatus = threads.options.unhidden;
    return { success: true };
  }

  /** An ignored reply can be approved later. */
  function approve(request: ThreadsRequest): object {
    const reply = replyOf(request);
    if (reply.approval === 'none') badParam('The reply does not wait for approval');
    reply.approval = wordOf(request, 'approve') ? 'approved' : 'ignored';
    return { success: true };
  }

  return graphRoutes(threads, access, [
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
