import type { Call, Route } from '../core/http.ts';
import { requireScope, type CheckAccess } from './access.ts';
import { profileOf, type Threads } from './context.ts';
import { fieldsOf, graphRoutes, pick, type ThreadsRequest } from './graph.ts';
import { containerNode, postNode, profileNode } from './nodes.ts';
import { anyPost, readPost } from './posts.ts';
import { notFound } from './problems.ts';

/** threads-facts 3, 4.4 and 6.1: one object by its id. */
export function readRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { state } = threads;

  function read({ access: granted, id, params }: ThreadsRequest): object {
    requireScope(granted, 'threads_basic');
    const { userId } = granted.held;
    const fields = fieldsOf(params, ['id']);
    const container = state.containers[id];
    if (container?.userId === userId) return pick(threads, containerNode(threads, container), fields);
    if (anyPost(threads, id) !== undefined)
      return pick(threads, postNode(threads, readPost(threads, id), userId), fields);
    if (id !== userId) notFound(id);
    return pick(threads, profileNode(profileOf(threads, id)), fields);
  }

  /** For faults: `threads.node:container`, `:post`, and `:profile` for the rest. */
  function variant({ params: { id = 'me' } }: Call): string {
    if (state.containers[id] !== undefined) return 'container';
    return anyPost(threads, id) === undefined ? 'profile' : 'post';
  }

  return graphRoutes(threads, access, [
    { method: 'GET', path: '/{id}', endpoint: 'threads.node', variant, handle: read },
  ]);
}
