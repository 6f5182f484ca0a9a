import type { Delivery } from '../core/delivery.ts';
import { graphTime } from '../meta/paging.ts';
import { profileOf, type Threads } from './context.ts';
import { hasPublicAuthor, permalinkOf } from './nodes.ts';
import { answersTo, findPost, isApproved } from './posts.ts';
import type { Post } from './state.ts';
import { sendEvent } from './webhooks.ts';

export const FIELDS = ['replies', 'delete', 'mentions', 'publish'];

/** threads-facts 10.1: nothing for private profiles, nor without the permissions. */
function tell(
  threads: Threads,
  field: string,
  userId: string | null,
  targetId: string,
  value: object,
): Delivery | null {
  const { state } = threads;
  if (userId === null || !state.appFields.includes(field)) return null;
  const scopes = state.grants[userId]?.scopes ?? [];
  if (!SCOPES[field]?.every((scope) => scopes.includes(scope))) return null;
  return profileOf(threads, userId).private ? null : sendEvent(threads, field, targetId, value);
}

const SCOPES: Record<string, string[]> = {
  replies: ['threads_basic', 'threads_read_replies'],
  delete: ['threads_basic', 'threads_delete'],
  mentions: ['threads_manage_mentions'],
  publish: ['threads_basic'],
};

function postValue(threads: Threads, post: Post): object {
  const { id, username, text, kind, shortcode, createdAt } = post;
  const author = hasPublicAuthor(threads, post) ? { username, permalink: permalinkOf(threads, post) } : {};
  return { id, ...author, text, media_type: kind, shortcode, timestamp: graphTime(createdAt) };
}

/** A reply by somebody else to a post of a connected profile. */
export function tellReply(threads: Threads, post: Post): Delivery | null {
  const root = findPost(threads, post.rootId);
  if (root === undefined || post.replyTo === null) return null;
  if (!isApproved(post) && !threads.options.pendingEvents) return null;
  const root_post = { id: root.id, owner_id: root.userId ?? undefined, username: root.username };
  const value = { ...postValue(threads, post), replied_to: { id: post.replyTo }, root_post };
  return tell(threads, 'replies', root.userId, post.replyTo, value);
}

export function tellMentions(threads: Threads, post: Post): Delivery[] {
  if (!hasPublicAuthor(threads, post)) return [];
  const named = threads.state.profiles.filter(({ username }) => post.mentions.includes(username));
  return named.flatMap(({ id }) => {
    const reads = threads.state.grants[id]?.scopes.includes('threads_read_replies') ?? false;
    const value = { ...postValue(threads, post), ...(reads ? placeOf(threads, post) : {}) };
    return tell(threads, 'mentions', id, id, value) ?? [];
  });
}

/** With threads_read_replies an event also says where the post stands (threads-facts 10.1). */
function placeOf(threads: Threads, { id, replyTo, rootId }: Post): object {
  return {
    has_replies: answersTo(threads, id).length > 0,
    is_reply: replyTo !== null,
    ...(replyTo === null ? {} : { replied_to: { id: replyTo } }),
    ...(rootId === null ? {} : { root_post: { id: rootId } }),
  };
}

export function tellPublish(threads: Threads, post: Post): Delivery | null {
  const { options } = threads;
  if (!options.publishEvents || post.userId === null) return null;
  const { id, kind, createdAt, username } = post;
  const permalink = permalinkOf(threads, post);
  const value = { id, media_type: kind, permalink, timestamp: graphTime(createdAt), username };
  return tell(threads, 'publish', post.userId, options.publishTarget === 'media' ? id : post.userId, value);
}

export function tellDelete(threads: Threads, { id, userId, username, createdAt }: Post): Delivery | null {
  const deleted_at = graphTime(threads.core.clock.now());
  const value = { id, owner: { owner_id: userId }, deleted_at, timestamp: graphTime(createdAt), username };
  return tell(threads, 'delete', userId, id, value);
}
