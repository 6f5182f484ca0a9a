import type { Call, Route } from '../core/http.ts';
import { paginate, timeParam } from '../meta/paging.ts';
import { requireScope, type CheckAccess } from './access.ts';
import { profileOf, type Threads } from './context.ts';
import { fieldsOf, graphRoutes, ownProfile, pick, type ThreadsRequest } from './graph.ts';
import { containerNode, postNode, profileNode } from './nodes.ts';
import { badParam, notFound } from './problems.ts';
import type { Post } from './state.ts';

/** 5 July 2023 (threads-facts 6.1). */
const EARLIEST_MS = 1_688_540_400_000;

/** threads-facts 3, 4.4 and 6.1: one object by its id, and the lists. */
export function readRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { core, options, state } = threads;

  function read({ access: granted, id, params }: ThreadsRequest): object {
    requireScope(granted, 'threads_basic');
    const { userId } = granted.held;
    const container = state.containers[id];
    if (container?.userId === userId)
      return pick(threads, containerNode(threads, container), fieldsOf(params, ['id']));
    const post = state.posts.find((candidate) => candidate.id === id);
    if (post !== undefined) return pick(threads, postNode(threads, post, userId), fieldsOf(params, ['id']));
    if (id !== userId) notFound(id);
    return pick(threads, profileNode(profileOf(threads, id)), fieldsOf(params, ['id']));
  }

  /** Newest first; `before` or `after`, never both; a limit above 100 is refused (threads-facts 6.1). */
  function page(
    { access: granted, call, params }: ThreadsRequest,
    found: Post[],
    oldestFirst = false,
  ): object {
    if (params.has('before') && params.has('after')) badParam('before and after can not be used together');
    const sorted = found.toReversed().toSorted((a, b) => b.createdAt - a.createdAt);
    const rules = { defaultLimit: 25, maxLimit: 100, refuseOver: true, links: options.pagingLinks };
    const { items, paging } = paginate(call, params, oldestFirst ? sorted.toReversed() : sorted, rules);
    const fields = fieldsOf(params, ['id']);
    const data = items.map((post) => pick(threads, postNode(threads, post, granted.held.userId), fields));
    return { data, ...(paging === undefined ? {} : { paging }) };
  }

  function byUser(request: ThreadsRequest, chosen: (post: Post) => boolean): object {
    const userId = ownProfile(request);
    const { params } = request;
    const since = timeParam(params, 'since') ?? EARLIEST_MS;
    const until = timeParam(params, 'until') ?? Infinity;
    if (since < EARLIEST_MS) badParam('Param since is too early');
    if (until !== Infinity && until > core.clock.now() + 1_000)
      badParam('Param until must not be in the future');
    const mine = state.posts.filter((post) => post.userId === userId && chosen(post));
    return page(
      request,
      mine.filter(({ createdAt }) => createdAt >= since && createdAt <= until),
    );
  }

  /** Own posts, with quotes and reposts; replies are another list. */
  function posts(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic');
    return byUser(request, ({ replyTo }) => replyTo === null);
  }

  /** For a profile its own replies; for a post the direct ones. */
  function replies(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_read_replies');
    if (request.id === request.access.held.userId) return byUser(request, ({ replyTo }) => replyTo !== null);
    const parent = postOf(request.id);
    return thread(request, ({ replyTo }) => replyTo === parent.id);
  }

  /** The whole tree as a flat list; for root posts only. */
  function conversation(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_read_replies');
    const root = postOf(request.id);
    if (root.replyTo !== null) notFound(root.id);
    return thread(request, ({ rootId }) => rootId === root.id);
  }

  function thread(request: ThreadsRequest, chosen: (post: Post) => boolean): object {
    const visible = state.posts.filter(({ approval }) => approval === 'none' || approval === 'approved');
    return page(request, visible.filter(chosen), request.params.get('reverse') === 'false');
  }

  function pending(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_read_replies');
    const root = postOf(request.id);
    const wanted = request.params.get('approval_status') ?? 'pending';
    return page(
      request,
      state.posts.filter(({ rootId, approval }) => rootId === root.id && approval === wanted),
    );
  }

  function mentions(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_manage_mentions');
    const { username } = profileOf(threads, ownProfile(request));
    return page(
      request,
      state.posts.filter((post) => post.mentions.includes(username)),
    );
  }

  function postOf(id: string): Post {
    return state.posts.find((post) => post.id === id) ?? notFound(id);
  }

  /** For faults: `threads.node:container`, `:post`, and `:profile` for the rest. */
  function variant({ params: { id = 'me' } }: Call): string {
    if (state.containers[id] !== undefined) return 'container';
    return state.posts.some((post) => post.id === id) ? 'post' : 'profile';
  }

  return graphRoutes(access, [
    { method: 'GET', path: '/{id}/threads', endpoint: 'threads.posts', handle: posts },
    { method: 'GET', path: '/{id}/replies', endpoint: 'threads.replies', handle: replies },
    { method: 'GET', path: '/{id}/conversation', endpoint: 'threads.conversation', handle: conversation },
    { method: 'GET', path: '/{id}/pending_replies', endpoint: 'threads.pending_replies', handle: pending },
    { method: 'GET', path: '/{id}/mentions', endpoint: 'threads.mentions', handle: mentions },
    { method: 'GET', path: '/{id}', endpoint: 'threads.node', variant, handle: read },
  ]);
}
