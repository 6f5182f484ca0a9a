import type { Route } from '../core/http.ts';
import { requireScope, type CheckAccess } from './access.ts';
import { refuseRestricted } from './containers.ts';
import { containerNow, profileOf, type Threads } from './context.ts';
import { tellDelete } from './events.ts';
import { graphRoutes, type ThreadsRequest } from './graph.ts';
import { addPost, deletePost, goLive } from './live.ts';
import { findPost } from './posts.ts';
import { badParam, configuredError, notFound, notVisible } from './problems.ts';
import { requireQuota, spend } from './quotas.ts';
import type { Container } from './state.ts';

/** threads-facts 4.2 and 4.6: publish, repost, delete. */
export function publishRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { core, options, state } = threads;

  function publish({ access: granted, id, params }: ThreadsRequest): object {
    if (id !== granted.held.userId) notVisible();
    requireScope(granted, 'threads_basic', 'threads_content_publish');
    const creationId = params.get('creation_id') ?? badParam('The parameter creation_id is required');
    const container = state.containers[creationId];
    if (container === undefined || container.userId !== id) return notVisible();
    container.publishCalls += 1;
    checkReady(container);
    if (profileOf(threads, id).restricted) refuseRestricted();
    requireQuota(threads, id, container.params['reply_to_id'] === undefined ? 'post' : 'reply');
    const post = goLive(threads, container);
    const shared = container.params['crossreshare_to_ig'] === 'true';
    return { id: post.id, ...(shared ? { crossreshare_to_ig_status: 'SUCCESS' } : {}) };
  }

  /** Before it is FINISHED, and for a while after, it does not seem to exist (threads-facts 11.2). */
  function checkReady(container: Container): void {
    const { status, finishedAt } = containerNow(threads, container);
    if (status === 'PUBLISHED')
      configuredError(options.republishError, 'The requested resource does not exist');
    const visibleAt = (finishedAt ?? Infinity) + options.propagationMs;
    if (status !== 'FINISHED' || core.clock.now() < visibleAt) notVisible();
    if (container.isItem) badParam('A carousel item can not be published by itself');
  }

  function repost({ access: granted, id }: ThreadsRequest): object {
    requireScope(granted, 'threads_basic', 'threads_content_publish');
    const { userId } = granted.held;
    requireQuota(threads, userId, 'post');
    const { username } = profileOf(threads, userId);
    const made = addPost(threads, {
      userId,
      username,
      kind: 'REPOST_FACADE',
      repostOf: (findPost(threads, id) ?? notFound(id)).id,
    });
    spend(threads, userId, 'post');
    return { id: made.id };
  }

  /** Own posts and replies only (threads-facts 4.6). */
  function remove({ access: granted, id }: ThreadsRequest): object {
    requireScope(granted, 'threads_basic', 'threads_delete');
    const post = findPost(threads, id) ?? notFound(id);
    const { userId } = granted.held;
    if (post.userId !== userId) return notFound(id);
    requireQuota(threads, userId, 'delete');
    spend(threads, userId, 'delete');
    deletePost(threads, post);
    tellDelete(threads, post);
    return { success: true, deleted_id: id };
  }

  return graphRoutes(threads, access, [
    { method: 'POST', path: '/{id}/threads_publish', endpoint: 'threads.publish', handle: publish },
    { method: 'POST', path: '/{id}/repost', endpoint: 'threads.repost', handle: repost },
    { method: 'DELETE', path: '/{id}', endpoint: 'threads.delete', handle: remove },
  ]);
}
