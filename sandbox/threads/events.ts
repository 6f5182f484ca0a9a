import type { Delivery } from '../core/delivery.ts';
import { graphTime } from '../meta/paging.ts';
import { profileOf, type Threads } from './context.ts';
import { permalinkOf } from './nodes.ts';
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
  const permalink = permalinkOf(threads, post);
  return { id, username, text, media_type: kind, permalink, shortcode, timestamp: graphTime(createdAt) };
}

/** A reply by somebody else to a post of a connected profile. */
export function tellReply(threads: Threads, post: Post): Delivery | null {
  const { posts } = threads.state;
  const root = posts.find(({ id }) => id === post.rootId);
  if (root === undefined || post.replyTo === null) return null;
  const root_post = { id: root.id, owner_id: root.userId ?? undefined, username: root.username };
  const value = { ...postValue(threads, post), replied_to: { id: post.replyTo }, root_post };
  return tell(threads, 'replies', root.userId, post.replyTo, value);
}

export function tellMentions(threads: Threads, post: Post): Delivery[] {
  const named = threads.state.profiles.filter(({ username }) => post.mentions.includes(username));
  return named.flatMap(({ id }) => tell(threads, 'mentions', id, id, postValue(threads, post)) ?? []);
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
