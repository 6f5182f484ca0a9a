import type { Call, Route } from '../core/http.ts';
import { refuseGraph } from '../meta/errors.ts';
import { graphId } from '../meta/ids.ts';
import { PullFailed } from '../meta/pull.ts';
import { requireScope, type CheckAccess } from './access.ts';
import { containerInput, type ContainerInput } from './container-input.ts';
import { checkInput } from './container-rules.ts';
import { containerNow, profileOf, type Threads } from './context.ts';
import { graphRoutes, type ThreadsRequest } from './graph.ts';
import { goLive } from './live.ts';
import { MAX_BYTES, mediaProblem } from './media-rules.ts';
import { findPost } from './posts.ts';
import { badParam, denied, notFetched, notFound, notVisible } from './problems.ts';
import { failContainer, processSoon } from './processing.ts';
import { requireQuota } from './quotas.ts';
import type { Container, Post, Profile } from './state.ts';

/** threads-facts 4.1: POST /{threads-user-id}/threads. */
export function containerRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { core, options, puller, state } = threads;

  async function create(request: ThreadsRequest): Promise<object> {
    const { access: granted, id, params } = request;
    // A wrong user id in the path is answered like a post that is not there yet (threads-facts 11.4).
    if (id !== granted.held.userId) notVisible();
    requireScope(granted, 'threads_basic', 'threads_content_publish');
    const profile = profileOf(threads, id);
    if (profile.restricted) refuseRestricted();
    const input = containerInput(threads, params);
    checkInput(threads, input, profile);
    checkReferences(request, input, profile);
    if (input.kind === 'CAROUSEL') checkChildren(input, id);
    const image = input.kind === 'IMAGE' ? await fetchImage(input) : null;
    const container = keep(id, input);
    if (image !== null && 'file' in image) container.files.push(image.file);
    if (input.params['auto_publish_text'] === 'true') return publishAtOnce(container);
    if (image !== null && 'problem' in image) failContainer(container, image.problem);
    else if (input.kind === 'VIDEO') core.jobs.at(core.clock.now(), 'threads.pull', container.id);
    else processSoon(threads, container);
    return { id: container.id };
  }

  /** The answer's id is then a post, not a container. */
  function publishAtOnce(container: Container): object {
    requireQuota(threads, container.userId, container.params['reply_to_id'] === undefined ? 'post' : 'reply');
    container.publishCalls += 1;
    return { id: goLive(threads, container).id };
  }

  /** The post to reply to or quote must exist; replying has its own scope. */
  function checkReferences(
    { access: granted }: ThreadsRequest,
    { params }: ContainerInput,
    profile: Profile,
  ): void {
    const { reply_to_id, quote_post_id } = params;
    if (params['location_id'] !== undefined) requireScope(granted, 'threads_location_tagging');
    if (params['crossreshare_to_ig'] === 'true') requireScope(granted, 'threads_share_to_instagram');
    if (params['reply_control'] !== undefined) requireScope(granted, 'threads_manage_replies');
    if (quote_post_id !== undefined && findPost(threads, quote_post_id) === undefined)
      notFound(quote_post_id);
    if (reply_to_id === undefined) return;
    if (!granted.scopes.includes('threads_manage_replies')) denied('threads_manage_replies');
    const parent = findPost(threads, reply_to_id);
    if (parent === undefined) return notFound(reply_to_id);
    if (!mayAnswer(parent, profile)) denied(`to reply to ${reply_to_id}`);
  }

  function checkChildren({ children }: ContainerInput, userId: string): void {
    for (const id of children) {
      const child = state.containers[id];
      if (child === undefined || child.userId !== userId) return notVisible();
      if (!child.isItem) badParam(`Container ${id} is no carousel item`);
      const { status } = containerNow(threads, child);
      if (status !== 'FINISHED' && options.unfinishedChildren === 'refuse') notVisible();
    }
  }

  async function fetchImage({ url }: ContainerInput) {
    try {
      const limits = { maxBytes: MAX_BYTES.image, timeoutMs: options.pullTimeoutSeconds * 1_000 };
      const pulled = await puller.pull(url ?? '', 'image', limits);
      const problem = mediaProblem(pulled, 'image', options);
      if (problem !== null) return { problem };
      return { file: { url: pulled.url, size: pulled.size, sha256: pulled.sha256 } };
    } catch (error) {
      if (!(error instanceof PullFailed)) throw error;
      if (error.why !== 'too large' && options.imageErrors === 'create') notFetched();
      return { problem: 'UNKNOWN' };
    }
  }

  function keep(userId: string, { kind, isItem, params, ignored, children }: ContainerInput): Container {
    const container: Container = {
      id: graphId('1788'),
      userId,
      kind,
      isItem,
      params,
      ignored,
      createdAt: core.clock.now(),
      status: 'IN_PROGRESS',
      finishedAt: null,
      errorMessage: null,
      children,
      files: [],
      publishCalls: 0,
      postId: null,
    };
    state.containers[container.id] = container;
    return container;
  }

  return graphRoutes(threads, access, [
    { method: 'POST', path: '/{id}/threads', endpoint: 'threads.container', variant, handle: create },
  ]);
}

/**
 * The sandbox does not know followers. A profile that is not mentioned may reply only to posts open to everyone, and to
 * its own (threads-facts 4.1).
 */
function mayAnswer({ params, userId, mentions }: Post, { id, username }: Profile): boolean {
  const { reply_control: audience = 'everyone' } = params;
  return (
    audience === 'everyone' || userId === id || (audience === 'mentioned_only' && mentions.includes(username))
  );
}

export function refuseRestricted(): never {
  const message = 'We restrict certain activity to protect our community.';
  return refuseGraph({ code: 10, subcode: 4_279_013, message });
}

/** For faults: `threads.container:text`, `:image`, `:video`, `:carousel`, `:item`. */
function variant(call: Call): string {
  const form = new URLSearchParams(call.text);
  const value = (name: string) => form.get(name) ?? call.url.searchParams.get(name);
  return value('is_carousel_item') === 'true' ? 'item' : (value('media_type') ?? 'none').toLowerCase();
}
