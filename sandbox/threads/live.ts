import { parse } from '../core/json.ts';
import { graphId, shortcode } from '../meta/ids.ts';
import { profileOf, type Threads } from './context.ts';
import { tellMentions, tellPublish, tellReply } from './events.ts';
import { findPost } from './posts.ts';
import { spend } from './quotas.ts';
import { Post, type Container } from './state.ts';
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

type Given = Pick<Post, 'userId' | 'username'> & Partial<Post>;

/** A post by anybody, and its place in its thread. */
export function addPost(threads: Threads, given: Given): Post {
  const { core, state } = threads;
  const parent = findPost(threads, given.replyTo ?? null);
  const root = parent && (findPost(threads, parent.rootId) ?? parent);
  const waits = root?.params['enable_reply_approvals'] === 'true' && root.userId !== given.userId;
  const post = parse(Post, {
    id: graphId('1805'),
    shortcode: shortcode(),
    createdAt: core.clock.now(),
    approval: waits ? 'pending' : 'none',
    ...given,
    addedAt: core.clock.now(),
    mentions: mentionsIn(given.text ?? ''),
    rootId: root?.id ?? null,
  });
  state.posts.push(post);
  return post;
}

/** It stays in the sandbox's state, so that it can be restored. */
export function deletePost({ core }: Threads, post: Post): void {
  post.deletedAt = core.clock.now();
}

export function restorePost({ core }: Threads, post: Post): void {
  Object.assign(post, { deletedAt: null, addedAt: core.clock.now() });
}
