import { containerNow, type Threads } from './context.ts';
import { permalinkOf } from './nodes.ts';
import { findPost } from './posts.ts';
import type { Container } from './state.ts';

export function containerView(threads: Threads, container: Container) {
  const { state } = threads;
  const post = findPost(threads, container.postId);
  const children = container.children.flatMap((id) => state.containers[id] ?? []);
  return {
    ...containerNow(threads, container),
    text: container.params['text'] ?? '',
    live: post !== undefined,
    permalink: post === undefined ? null : permalinkOf(threads, post),
    sha256: [container, ...children].flatMap(({ files }) => files.map((file) => file.sha256)),
  };
}

/** The truth for tests to compare with. Filters: `userId`, `text`. */
export function countPublishes(threads: Threads, filter: URLSearchParams) {
  const userId = filter.get('userId');
  const text = filter.get('text');
  const found = Object.values(threads.state.containers).filter(
    (container) =>
      !container.isItem &&
      (userId === null || container.userId === userId) &&
      (text === null || (container.params['text'] ?? '') === text),
  );
  const states = found.map((container) => containerNow(threads, container).status);
  const inState = (...wanted: Container['status'][]): number =>
    states.filter((status) => wanted.includes(status)).length;
  return {
    containers: found.length,
    /** Posts that were published; deleted ones count too. */
    live: found.filter(({ postId }) => postId !== null).length,
    publishCalls: found.reduce((sum, { publishCalls }) => sum + publishCalls, 0),
    failed: inState('ERROR'),
    expired: inState('EXPIRED'),
    open: inState('IN_PROGRESS', 'FINISHED'),
  };
}
