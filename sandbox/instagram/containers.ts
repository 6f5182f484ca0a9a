import type { Call, Route } from '../core/http.ts';
import { graphId } from '../meta/ids.ts';
import { PullFailed } from '../meta/pull.ts';
import { accountFor, requireScope, requireTask, type CheckAccess } from './access.ts';
import { NEWEST_VERSION } from './app.ts';
import { containerInput, type ContainerInput } from './container-input.ts';
import { checkInput } from './container-rules.ts';
import { containerNow, type Instagram } from './context.ts';
import { graphRoutes, type GraphRequest } from './graph.ts';
import { requireContainerRoom } from './limits.ts';
import { imageProblem, MAX_IMAGE_BYTES } from './media-rules.ts';
import { badParam, refuseFor, type Problem } from './problems.ts';
import { failContainer, processSoon } from './processing.ts';
import type { Container } from './state.ts';

export const PUBLISH_SCOPES = ['instagram_basic', 'instagram_content_publish', 'pages_read_engagement'];

/** instagram-facts 4.1: POST /{ig-user-id}/media. */
export function containerRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core, options, puller, state } = instagram;

  async function create(request: GraphRequest): Promise<object> {
    requireScope(request.access, PUBLISH_SCOPES, 'instagram_business_content_publish');
    const account = accountFor(instagram, request.access, request.id);
    requireTask(instagram, request.access, account, ['CREATE_CONTENT', 'MANAGE']);
    if (account.restricted) refuseFor('restricted');
    const input = containerInput(request.params);
    checkInput(input, request.stack);
    requireContainerRoom(instagram, account.id);
    if (input.kind === 'CAROUSEL') checkChildren(input.children, account.id);
    const images = await fetchImages(input);
    const container = keep(account.id, input, images.files);
    if (images.problem !== null) failContainer(container, images.problem);
    else if (input.videoUrl !== null) core.jobs.at(core.clock.now(), 'instagram.pull', container.id);
    else if (!input.resumable) processSoon(instagram, container);
    if (!input.resumable) return { id: container.id };
    // The uri has the version of the request (instagram-facts 4.2).
    const version = request.call.params['version'] ?? `v${NEWEST_VERSION}.0`;
    return {
      id: container.id,
      uri: `${request.call.url.origin}/rupload/ig-api-upload/${version}/${container.id}`,
    };
  }

  function checkChildren(ids: string[], accountId: string): void {
    if (ids.length < 2 || ids.length > 10) refuseFor('itemCount');
    for (const id of ids) {
      const child = state.containers[id];
      if (child === undefined || child.accountId !== accountId) return refuseFor('containerMissing');
      if (!child.isItem) badParam(`Container ${id} is no carousel item`);
      const { status } = containerNow(instagram, child);
      if (status === 'IN_PROGRESS' && options.unfinishedChildren === 'wait') continue;
      if (status === 'EXPIRED' || status === 'PUBLISHED') refuseFor('containerMissing');
      if (status !== 'FINISHED') refuseFor('notReady');
    }
  }

  /** Pictures, covers included, are fetched while the request waits (instagram-facts 11). */
  async function fetchImages({ kind, imageUrl, coverUrl }: ContainerInput) {
    const place = kind === 'STORIES' ? 'story' : 'feed';
    const files: Container['files'] = [];
    for (const [url, where] of [
      [imageUrl, place],
      [coverUrl, 'cover'],
    ] as const) {
      if (url === null) continue;
      const found = await fetchImage(url, where);
      if (typeof found !== 'string') files.push(found);
      else if (options.imageErrors === 'create') refuseFor(found);
      else return { files, problem: found };
    }
    return { files, problem: null };
  }

  async function fetchImage(
    url: string,
    place: 'feed' | 'story' | 'cover',
  ): Promise<Problem | Container['files'][0]> {
    try {
      const limits = { maxBytes: MAX_IMAGE_BYTES, timeoutMs: options.pullTimeoutSeconds * 1_000 };
      const pulled = await puller.pull(url, 'image', limits);
      const problem = options.checkMedia ? imageProblem(pulled, place) : null;
      return problem ?? { url, size: pulled.size, sha256: pulled.sha256 };
    } catch (error) {
      if (!(error instanceof PullFailed)) throw error;
      return error.why === 'too large' ? 'tooLarge' : 'notFetched';
    }
  }

  function keep(accountId: string, input: ContainerInput, files: Container['files']): Container {
    const { kind, isItem, params, ignored, children, resumable } = input;
    const container: Container = {
      id: graphId('1790'),
      accountId,
      kind,
      isItem,
      params,
      ignored,
      createdAt: core.clock.now(),
      status: 'IN_PROGRESS',
      statusText: null,
      children,
      files,
      video: input.videoUrl !== null || resumable,
      durationMs: null,
      upload: resumable ? { size: null, received: 0, complete: false } : null,
      publishedAt: null,
      publishCalls: 0,
      mediaId: null,
    };
    state.containers[container.id] = container;
    return container;
  }

  return graphRoutes(instagram, access, [
    { method: 'POST', path: '/{id}/media', endpoint: 'instagram.container', variant, handle: create },
  ]);
}

/** For faults: `instagram.container:reels`, and `:item` for the children of a carousel. */
function variant(call: Call): string {
  const form = new URLSearchParams(call.text);
  const value = (name: string) => form.get(name) ?? call.url.searchParams.get(name);
  return value('is_carousel_item') === 'true' ? 'item' : (value('media_type') ?? 'image').toLowerCase();
}
