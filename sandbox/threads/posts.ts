import type { Threads } from './context.ts';
import { notFound } from './problems.ts';
import type { Post } from './state.ts';

const GHOST_MS = 86_400_000;

/** The list of posts only grows, so that an index reads each post once. */
interface Index {
  read: number;
  byId: Map<string, Post>;
  byUser: Map<string, Post[]>;
  /** The replies to a post, of a whole thread, and what quotes or reposts a post. */
  answers: Map<string, Post[]>;
  thread: Map<string, Post[]>;
  quotes: Map<string, Post[]>;
  reposts: Map<string, Post[]>;
}

const indexes = new WeakMap<Post[], Index>();

function indexOf({ state: { posts } }: Threads): Index {
  const index = indexes.get(posts) ?? emptyIndex();
  indexes.set(posts, index);
  for (const post of posts.slice(index.read)) {
    index.byId.set(post.id, post);
    add(index.byUser, post.userId, post);
    add(index.answers, post.replyTo, post);
    add(index.thread, post.rootId, post);
    add(index.quotes, post.params['quote_post_id'] ?? null, post);
    add(index.reposts, post.repostOf, post);
  }
  index.read = posts.length;
  return index;
}

function emptyIndex(): Index {
  return {
    read: 0,
    byId: new Map(),
    byUser: new Map(),
    answers: new Map(),
    thread: new Map(),
    quotes: new Map(),
    reposts: new Map(),
  };
}

function add(map: Map<string, Post[]>, key: string | null, post: Post): void {
  if (key === null) return;
  const list = map.get(key);
  if (list === undefined) map.set(key, [post]);
  else list.push(post);
}

/** Also a deleted one. */
export function anyPost(threads: Threads, id: string | null): Post | undefined {
  return id === null ? undefined : indexOf(threads).byId.get(id);
}

/** A post that its id still leads to. */
export function findPost(threads: Threads, id: string | null): Post | undefined {
  const post = anyPost(threads, id);
  return post === undefined || isGone(threads, post) ? undefined : post;
}

/** A post that a client asks for. Some seem to be gone for a while (threads-facts 5). */
export function readPost(threads: Threads, id: string): Post {
  const post = findPost(threads, id) ?? notFound(id);
  if (post.flaky === 0) return post;
  post.flaky -= 1;
  return notFound(id);
}

/** A ghost post ends after 24 hours (threads-facts 16.7). */
export function ghostEnd({ createdAt, params }: Post): number | null {
  return params['is_ghost_post'] === 'true' ? createdAt + GHOST_MS : null;
}

export function isArchived({ core }: Threads, post: Post): boolean {
  const end = ghostEnd(post);
  return end !== null && end <= core.clock.now();
}

function isGone(threads: Threads, post: Post): boolean {
  const hides = threads.options.archivedGhosts === 'gone';
  return post.deletedAt !== null || (hides && isArchived(threads, post));
}

/** Whether lists show a post; they may be late. */
export function isListed({ core, options }: Threads, { addedAt, deletedAt, unlisted }: Post): boolean {
  const at = core.clock.now() - options.listLagMs;
  return !unlisted && addedAt <= at && (deletedAt === null || deletedAt > at);
}

/** Pending and ignored replies are in no list but /pending_replies (threads-facts 16.5). */
export function isApproved({ approval }: Post): boolean {
  return approval === 'none' || approval === 'approved';
}

/** Deleted ones included: a list may be late. */
export function postsOf(threads: Threads, userId: string): Post[] {
  return indexOf(threads).byUser.get(userId) ?? [];
}

/** The direct replies, deleted ones included. */
export function answersTo(threads: Threads, id: string): Post[] {
  return indexOf(threads).answers.get(id) ?? [];
}

/** The replies at any depth, deleted ones included. */
export function threadOf(threads: Threads, rootId: string): Post[] {
  return indexOf(threads).thread.get(rootId) ?? [];
}

/** The post that a reply answers, and so on up to the root, deleted ones included. */
export function parentsOf(threads: Threads, { replyTo }: Post): Post[] {
  const parent = anyPost(threads, replyTo);
  return parent === undefined ? [] : [parent, ...parentsOf(threads, parent)];
}

/** A post's numbers: those that a test has set, and what the sandbox itself knows. */
export function countsOf(threads: Threads, post: Post): Record<string, number> {
  const known = knownCounts(threads, post);
  return {
    views: post.views,
    likes: post.likes,
    shares: post.shares,
    replies: post.replies + known.replies,
    quotes: post.quotes + known.quotes,
    reposts: post.reposts + known.reposts,
  };
}

/** The replies, quotes and reposts that the sandbox itself has. */
export function knownCounts(threads: Threads, post: Post) {
  const { quotes, reposts } = indexOf(threads);
  const live = (posts: Post[] | undefined) => posts?.filter((one) => !isGone(threads, one)) ?? [];
  // All replies of a root post, the direct ones of a reply (threads-facts 8.1).
  const replies = post.replyTo === null ? threadOf(threads, post.id) : answersTo(threads, post.id);
  return {
    replies: live(replies).filter(isApproved).length,
    quotes: live(quotes.get(post.id)).length,
    reposts: live(reposts.get(post.id)).length,
  };
}
