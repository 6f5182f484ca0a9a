import { graphId, shortcode } from '../meta/ids.ts';
import { profileOf, type Threads } from './context.ts';
import { tellMentions, tellPublish, tellReply } from './events.ts';
import { spend } from './quotas.ts';
import type { Container, Post } from './state.ts';
import { mentionsIn } from './text.ts';

const KINDS = { TEXT: 'TEXT_POST', IMAGE: 'IMAGE', VIDEO: 'VIDEO', CAROUSEL: 'CAROUSEL_ALBUM' } as const;

/** Turns a container into a post, once. */
export function goLive(threads: Threads, container: Container): Post {
  const { state } = threads;
  const children = container.children.flatMap((id) => state.containers[id] ?? []);
  const replyTo = container.params['reply_to_id'] ?? null;
  const post = addPost(threads, {
    userId: container.userId,
    username: profileOf(threads, container.userId).username,
    containerId: container.id,
    kind: KINDS[container.kind],
    text: container.params['text'] ?? '',
    params: container.params,
    replyTo,
    children: children.map((child) => ({
      id: graphId('1789'),
      kind: child.kind,
      altText: child.params['alt_text'] ?? '',
    })),
    files: [container, ...children].flatMap(({ files }) => files),
  });
  for (const published of [container, ...children]) published.status = 'PUBLISHED';
  container.postId = post.id;
  spend(threads, container.userId, replyTo === null ? 'post' : 'reply');
  // Posts of the API cause it too (threads-facts 10.2).
  tellPublish(threads, post);
  tellReply(threads, post);
  tellMentions(threads, post);
  return post;
}

/** A post by anybody, and its place in its thread. */
export function addPost(
  { core, state }: Threads,
  given: Pick<Post, 'userId' | 'username'> & Partial<Post>,
): Post {
  const parent = state.posts.find(({ id }) => id === given.replyTo);
  const root = parent && (state.posts.find(({ id }) => id === parent.rootId) ?? parent);
  const approvals = root?.params['enable_reply_approvals'] === 'true' && root.userId !== given.userId;
  const post: Post = {
    id: graphId('1805'),
    containerId: null,
    kind: 'TEXT_POST',
    text: '',
    params: {},
    shortcode: shortcode(),
    createdAt: core.clock.now(),
    children: [],
    files: [],
    replyTo: null,
    repostOf: null,
    hidden: false,
    mentions: mentionsIn(given.text ?? ''),
    views: 0,
    likes: 0,
    quotes: 0,
    shares: 0,
    ...given,
    rootId: root?.id ?? null,
    approval: approvals ? 'pending' : 'none',
  };
  state.posts.push(post);
  return post;
}
