import type { Route } from '../core/http.ts';
import { parseCode, refuseGraph } from '../meta/errors.ts';
import { graphId } from '../meta/ids.ts';
import { accountFor, requireScope, requireTask, type CheckAccess } from './access.ts';
import { PUBLISH_SCOPES } from './containers.ts';
import { containerNow, type Instagram } from './context.ts';
import { graphRoutes, type GraphRequest } from './graph.ts';
import { requireQuota } from './limits.ts';
import { addMedia } from './media.ts';
import { badParam, refuseFor } from './problems.ts';
import type { Container, Media } from './state.ts';

const FORGET_MS = 2 * 86_400_000;

/** instagram-facts 4.4: POST /{ig-user-id}/media_publish. A container never becomes a second post. */
export function publishRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core, options, state } = instagram;

  function publish(request: GraphRequest): object {
    requireScope(request.access, PUBLISH_SCOPES, 'instagram_business_content_publish');
    const account = accountFor(instagram, request.access, request.id);
    requireTask(instagram, request.access, account, ['CREATE_CONTENT', 'MANAGE']);
    const creationId = request.params.get('creation_id') ?? badParam('The parameter creation_id is required');
    const container = state.containers[creationId];
    if (container === undefined || container.accountId !== account.id) return refuseFor('containerMissing');
    container.publishCalls += 1;
    checkReady(container);
    if (account.restricted) refuseFor('restricted');
    requireQuota(instagram, account.id);
    return { id: goLive(container).id };
  }

  function checkReady(container: Container): void {
    const { status } = containerNow(instagram, container);
    if (status === 'PUBLISHED') {
      refuseGraph({ ...parseCode(options.republishError), message: 'The container was published already' });
    }
    if (status === 'EXPIRED') refuseFor('containerMissing');
    if (status !== 'FINISHED') refuseFor('notReady');
    if (container.kind === 'VIDEO') refuseFor('standaloneVideo');
    if (container.isItem) badParam('A carousel item can not be published by itself');
  }

  function goLive(container: Container): Media {
    const now = core.clock.now();
    const children = container.children.flatMap((id) => state.containers[id] ?? []);
    const media = addMedia(instagram, {
      accountId: container.accountId,
      containerId: container.id,
      mediaType: container.kind === 'CAROUSEL' ? 'CAROUSEL_ALBUM' : container.video ? 'VIDEO' : 'IMAGE',
      productType: productOf(container),
      caption: container.params['caption'] ?? '',
      altText: container.params['alt_text'] ?? null,
      createdAt: now,
      children: children.map((child) => ({
        id: graphId('1802'),
        mediaType: child.video ? 'VIDEO' : 'IMAGE',
        altText: child.params['alt_text'] ?? '',
      })),
      files: [container, ...children].flatMap(({ files }) => files),
      shareToFeed: container.params['share_to_feed'] !== 'false',
    });
    state.publishes = state.publishes.filter(({ at }) => at > now - FORGET_MS);
    state.publishes.push({ accountId: container.accountId, at: now });
    for (const published of [container, ...children]) {
      published.status = 'PUBLISHED';
      published.publishedAt = now;
    }
    container.mediaId = media.id;
    return media;
  }

  return graphRoutes(instagram, access, [
    { method: 'POST', path: '/{id}/media_publish', endpoint: 'instagram.publish', handle: publish },
  ]);
}

/** Reels read back as VIDEO of REELS, stories as STORY (instagram-facts 7.2). */
function productOf({ kind }: Container): Media['productType'] {
  if (kind === 'REELS') return 'REELS';
  return kind === 'STORIES' ? 'STORY' : 'FEED';
}
