import type { Route } from '../core/http.ts';
import { timeParam } from '../meta/paging.ts';
import { requireScope, type CheckAccess } from './access.ts';
import { profileOf, type Threads } from './context.ts';
import { fieldsOf, graphRoutes, ownProfile, pick, type ThreadsRequest } from './graph.ts';
import { hasPublicAuthor, postNode } from './nodes.ts';
import { pageOf } from './pages.ts';
import { answersTo, ghostEnd, isApproved, isArchived, isListed } from './posts.ts';
import { parentsOf, postsOf, readPost, threadOf } from './posts.ts';
import { badParam, notFound } from './problems.ts';
import type { ListFault, Post } from './state.ts';

/** 5 July 2023 (threads-facts 6.1). */
const EARLIEST_MS = 1_688_540_400_000;

type Handle = (request: ThreadsRequest) => object;

/** threads-facts 6.1: the lists. */
export function listRoutes(threads: Threads, access: CheckAccess): Route[] {
  const user = userLists(threads);
  const thread = threadLists(threads);

  /** One path with two meanings: a profile's own replies, and a post's. */
  function replies(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_read_replies');
    return request.id === request.access.held.userId ? user.replies(request) : thread.replies(request);
  }

  const routes: [string, string, Handle][] = [
    ['threads', 'threads.posts', user.posts],
    ['replies', 'threads.replies', replies],
    ['ghost_posts', 'threads.ghost_posts', user.ghosts],
    ['mentions', 'threads.mentions', user.mentions],
    ['conversation', 'threads.conversation', thread.conversation],
    ['pending_replies', 'threads.pending_replies', thread.pending],
  ];
  return graphRoutes(
    threads,
    access,
    routes.map(([edge, endpoint, handle]) => ({ method: 'GET', path: `/{id}/${edge}`, endpoint, handle })),
  );
}

/** Newest first; without `fields` only the id. */
function answer(
  threads: Threads,
  request: ThreadsRequest,
  list: ListFault['list'],
  found: Post[],
  oldestFirst = false,
): object {
  const listed = found.filter((post) => isListed(threads, post));
  const sorted = listed.toReversed().toSorted((a, b) => b.createdAt - a.createdAt);
  const { items, paging } = pageOf(threads, request, list, oldestFirst ? sorted.toReversed() : sorted);
  const fields = fieldsOf(request.params, ['id']);
  const viewer = request.access.held.userId;
  const data = items.map((post) => pick(threads, postNode(threads, post, viewer), fields));
  return { data, ...(paging === undefined ? {} : { paging }) };
}

/** The lists of a profile. Only these know `since` and `until`. */
function userLists(threads: Threads) {
  function within({ params }: ThreadsRequest, found: Post[]): Post[] {
    const since = timeParam(params, 'since') ?? EARLIEST_MS;
    const until = timeParam(params, 'until') ?? Infinity;
    if (since < EARLIEST_MS) badParam('Param since is too early');
    if (until !== Infinity && until > threads.core.clock.now() + 1_000)
      badParam('Param until must not be in the future');
    return found.filter(({ createdAt }) => createdAt >= since && createdAt <= until);
  }

  /** Own posts, with quotes and reposts; replies are another list. */
  function posts(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic');
    const mine = postsOf(threads, ownProfile(request)).filter(({ replyTo }) => replyTo === null);
    const { ghostsInThreads } = threads.options;
    const shown = mine.filter(
      (post) => ghostEnd(post) === null || (ghostsInThreads && !isArchived(threads, post)),
    );
    return answer(threads, request, 'posts', within(request, shown));
  }

  function replies(request: ThreadsRequest): object {
    const mine = postsOf(threads, ownProfile(request)).filter(({ replyTo }) => replyTo !== null);
    return answer(threads, request, 'replies', within(request, mine));
  }

  function ghosts(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic');
    const mine = postsOf(threads, ownProfile(request)).filter((post) => ghostEnd(post) !== null);
    const keeps = threads.options.archivedGhosts === 'listed';
    const shown = mine.filter((post) => keeps || !isArchived(threads, post));
    return answer(threads, request, 'ghost_posts', within(request, shown));
  }

  /** Of public authors only. */
  function mentions(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_manage_mentions');
    const { username } = profileOf(threads, ownProfile(request));
    const found = threads.state.posts.filter((post) => post.mentions.includes(username));
    const shown = found.filter((post) => hasPublicAuthor(threads, post));
    return answer(threads, request, 'mentions', within(request, shown));
  }

  return { posts, replies, ghosts, mentions };
}

/** The lists of a post (threads-facts 16.5). */
function threadLists(threads: Threads) {
  const { options } = threads;

  function shown(found: Post[]): Post[] {
    const approved = found.filter(isApproved);
    if (options.orphans === 'stay') return approved;
    return approved.filter((post) => parentsOf(threads, post).every(({ deletedAt }) => deletedAt === null));
  }

  /** The direct ones. */
  function replies(request: ThreadsRequest): object {
    const { id } = readPost(threads, request.id);
    return answer(threads, request, 'replies', shown(answersTo(threads, id)), isOldestFirst(request));
  }

  /** The whole tree as a flat list; for root posts only. */
  function conversation(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_read_replies');
    const root = readPost(threads, request.id);
    if (root.replyTo !== null) notFound(root.id);
    return answer(
      threads,
      request,
      'conversation',
      shown(threadOf(threads, root.id)),
      isOldestFirst(request),
    );
  }

  /** What waits for the owner's approval, or was ignored. */
  function pending(request: ThreadsRequest): object {
    requireScope(request.access, 'threads_basic', 'threads_read_replies');
    const post = readPost(threads, request.id);
    if (post.userId !== request.access.held.userId) notFound(post.id);
    const wanted = request.params.get('approval_status') ?? 'pending';
    if (wanted !== 'pending' && wanted !== 'ignored') {
      badParam('Param approval_status must be one of {pending, ignored}');
    }
    const found = post.replyTo === null ? threadOf(threads, post.id) : answersTo(threads, post.id);
    const waiting = found.filter(({ approval }) => approval === wanted);
    return answer(threads, request, 'pending_replies', waiting, isOldestFirst(request));
  }

  return { replies, conversation, pending };
}

/** `reverse` is true unless the request says otherwise (threads-facts 6.1). */
function isOldestFirst({ params }: ThreadsRequest): boolean {
  return params.get('reverse') === 'false';
}
