import type { Call, Route } from '../core/http.ts';
import type { GraphNode } from '../meta/fields.ts';
import { accountFor, notFound, pagesOf, requireScope, type CheckAccess } from './access.ts';
import { accountOf, type Instagram } from './context.ts';
import { fieldsOf, graphRoutes, pick, type GraphRequest } from './graph.ts';
import { accountNode, childNode, commentNode, containerNode, mediaNode } from './nodes.ts';
import { removeComment, removeMedia } from './media.ts';
import { badParam } from './problems.ts';
import type { Comment, Container, Media } from './state.ts';

const BASIC = ['instagram_basic'];
const COMMENTS = 'instagram_manage_comments';

type Found =
  | { kind: 'container'; object: Container }
  | { kind: 'media'; object: Media }
  | { kind: 'child'; object: Media }
  | { kind: 'comment'; object: Comment };

/** GET, POST and DELETE of one object by its id, of any type. */
export function nodeRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { state } = instagram;

  function find(id: string): Found | undefined {
    const container = state.containers[id];
    if (container !== undefined) return { kind: 'container', object: container };
    const media = state.media.find((candidate) => candidate.id === id);
    if (media !== undefined) return { kind: 'media', object: media };
    const comment = state.comments.find((candidate) => candidate.id === id);
    if (comment !== undefined) return { kind: 'comment', object: comment };
    const album = state.media.find(({ children }) => children.some((child) => child.id === id));
    return album && { kind: 'child', object: album };
  }

  function read(request: GraphRequest): object {
    const { access: granted, id, params } = request;
    const found = find(id);
    if (found === undefined) return readPerson(request);
    const { object } = found;
    accountFor(instagram, granted, ownerOf(object));
    requireScope(granted, BASIC, 'instagram_business_basic');
    const fields = fieldsOf(params, ['id']);
    switch (found.kind) {
      case 'container':
        return pick(containerNode(instagram, found.object), 'ShadowIGMediaBuilder', fields);
      case 'media':
        return pick(mediaNode(instagram, found.object, request.stack), 'IGMedia', fields);
      case 'child':
        return pick(childOf(found.object, id), 'IGMedia', fields);
      case 'comment':
        if (found.object.withheld && instagram.options.withheldById === 'gone') return notFound(id);
        return pick(commentNode(instagram, request, found.object, mayModerate(request)), 'IGComment', fields);
    }
  }

  function childOf(album: Media, id: string): GraphNode {
    const child = album.children.find((candidate) => candidate.id === id);
    return child === undefined ? notFound(id) : childNode(instagram, album, child);
  }

  function ownerOf(object: Container | Media | Comment): string {
    if ('accountId' in object) return object.accountId;
    return state.media.find(({ id }) => id === object.mediaId)?.accountId ?? '';
  }

  /** An account, a page, or the holder of the token. */
  function readPerson({ access: granted, id, params, stack }: GraphRequest): object {
    const { held } = granted;
    if (stack === 'facebook' && (id === 'me' || id === held.holder || id === held.pageId)) {
      const page = pagesOf(instagram, granted).find((candidate) => candidate.id === held.pageId);
      const user = state.users.find((candidate) => candidate.id === held.holder);
      const name = held.kind === 'page' ? page?.name : user?.name;
      const own = held.kind === 'page' ? held.pageId : held.holder;
      return pick(
        { id: own, name },
        held.kind === 'page' ? 'Page' : 'User',
        fieldsOf(params, ['id', 'name']),
      );
    }
    const account = accountFor(instagram, granted, id);
    requireScope(granted, BASIC, 'instagram_business_basic');
    const node = pick(accountNode(instagram, account, stack), 'IGUser', fieldsOf(params, ['id']));
    return stack === 'login' && instagram.options.loginMeShape === 'wrapped' ? { data: [node] } : node;
  }

  /** `comment_enabled` of a media, `hide` of a comment (instagram-facts 7.2 and 7.3). */
  function change(request: GraphRequest): object {
    const found = find(request.id);
    if (found?.kind !== 'media' && found?.kind !== 'comment') return notFound(request.id);
    accountFor(instagram, request.access, ownerOf(found.object));
    requireScope(request.access, [...BASIC, COMMENTS], 'instagram_business_manage_comments');
    const name = found.kind === 'media' ? 'comment_enabled' : 'hide';
    const value = request.params.get(name);
    if (value !== 'true' && value !== 'false') badParam(`The parameter ${name} is required`);
    if (found.kind === 'media') found.object.commentsEnabled = value === 'true';
    // The owner's own comments stay visible (instagram-facts 7.3).
    else if (!found.object.own) found.object.hidden = value === 'true';
    return { success: true };
  }

  /** Media only on stack A, with instagram_manage_contents (instagram-facts 7.2); comments by the media's owner (instagram-facts 7.3). */
  function remove(request: GraphRequest): object {
    const found = find(request.id);
    if (found?.kind !== 'media' && found?.kind !== 'comment') return notFound(request.id);
    accountFor(instagram, request.access, ownerOf(found.object));
    const { id } = found.object;
    if (found.kind === 'media') {
      if (request.stack === 'login') notFound(id);
      requireScope(request.access, [...BASIC, 'instagram_manage_contents'], '');
      removeMedia(instagram, id);
    } else {
      requireScope(request.access, [...BASIC, COMMENTS], 'instagram_business_manage_comments');
      removeComment(instagram, id);
    }
    return { success: true };
  }

  /** For faults: `instagram.node:container`, `:media`, `:comment`, and `:account` for the rest. */
  function variant({ params }: Call): string {
    return find(params['id'] ?? '')?.kind ?? 'account';
  }

  const shared = { path: '/{id}', endpoint: 'instagram.node', variant };
  return graphRoutes(instagram, access, [
    { method: 'GET', ...shared, handle: read },
    { method: 'POST', ...shared, handle: change },
    { method: 'DELETE', ...shared, handle: remove },
  ]);
}

function mayModerate({ access: { scopes } }: GraphRequest): boolean {
  return scopes.includes(COMMENTS) || scopes.includes('instagram_business_manage_comments');
}

/** A media of the caller, for the routes of its edges. */
export function ownMedia(instagram: Instagram, { access: granted, id }: GraphRequest): Media {
  const media = instagram.state.media.find((candidate) => candidate.id === id);
  if (media === undefined) return notFound(id);
  accountFor(instagram, granted, accountOf(instagram, media.accountId).id);
  return media;
}
