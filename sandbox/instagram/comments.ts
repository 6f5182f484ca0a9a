import type { Route } from '../core/http.ts';
import { graphId } from '../meta/ids.ts';
import { paginate } from '../meta/paging.ts';
import { notFound, requireScope, type CheckAccess } from './access.ts';
import { accountOf, type Instagram } from './context.ts';
import { tellComment } from './events.ts';
import { fieldsOf, graphRoutes, pick, type GraphRequest } from './graph.ts';
import { ownMedia } from './node-routes.ts';
import { commentNode } from './nodes.ts';
import { badParam } from './problems.ts';
import type { Comment } from './state.ts';

const COMMENTS_PAGE = 50;

/** instagram-facts 7.3: comments and their replies. */
export function commentRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core, options, state } = instagram;

  function page(request: GraphRequest, comments: Comment[]): object {
    const { call, params } = request;
    const newest = comments.toReversed().toSorted((a, b) => b.createdAt - a.createdAt);
    const rules = { defaultLimit: 25, maxLimit: COMMENTS_PAGE, refuseOver: false, links: true };
    const { items, paging } = paginate(call, params, newest, rules);
    const fields = fieldsOf(params, ['timestamp', 'text', 'id']);
    const data = items.map((comment) => pick(commentNode(instagram, comment, true), 'IGComment', fields));
    // The documentation has no cursors here, the real API does (instagram-facts 7.3).
    return { data, ...(paging === undefined || !options.commentCursors ? {} : { paging }) };
  }

  /** Top level only, at most 50 a query (instagram-facts 7.3). */
  function list(request: GraphRequest): object {
    requireComments(request);
    const media = ownMedia(instagram, request);
    return page(
      request,
      state.comments.filter(({ mediaId, parentId }) => mediaId === media.id && parentId === null),
    );
  }

  function commentOf(request: GraphRequest): Comment {
    const comment = state.comments.find(({ id }) => id === request.id);
    if (comment === undefined) return notFound(request.id);
    ownMedia(instagram, { ...request, id: comment.mediaId });
    return comment;
  }

  function replies(request: GraphRequest): object {
    requireComments(request);
    const comment = commentOf(request);
    return page(
      request,
      state.comments.filter(({ parentId }) => parentId === comment.id),
    );
  }

  function say(request: GraphRequest, mediaId: string, parentId: string | null): object {
    const message = request.params.get('message') ?? '';
    if (message === '') badParam('The parameter message is required');
    const media = ownMedia(instagram, { ...request, id: mediaId });
    if (!media.commentsEnabled) badParam('Comments are turned off');
    const { igsid, username } = accountOf(instagram, media.accountId);
    const comment: Comment = {
      id: graphId('1785'),
      mediaId,
      parentId,
      fromId: igsid,
      username,
      own: true,
      text: message,
      createdAt: core.clock.now(),
      hidden: false,
      likes: 0,
    };
    state.comments.push(comment);
    // Own comments come back as events too (instagram-facts 8.5, point 11).
    tellComment(instagram, media, comment);
    return { id: comment.id };
  }

  function addComment(request: GraphRequest): object {
    requireComments(request);
    return say(request, request.id, null);
  }

  /** A reply to a reply goes to the top level; a hidden comment takes none (instagram-facts 7.3). */
  function addReply(request: GraphRequest): object {
    requireComments(request);
    const comment = commentOf(request);
    if (comment.hidden) badParam('A hidden comment can not be replied to');
    return say(request, comment.mediaId, comment.parentId ?? comment.id);
  }

  const endpoint = 'instagram.comments';
  return graphRoutes(instagram, access, [
    { method: 'GET', path: '/{id}/comments', endpoint, handle: list },
    { method: 'POST', path: '/{id}/comments', endpoint, handle: addComment },
    { method: 'GET', path: '/{id}/replies', endpoint: 'instagram.replies', handle: replies },
    { method: 'POST', path: '/{id}/replies', endpoint: 'instagram.replies', handle: addReply },
  ]);
}

function requireComments({ access: granted }: GraphRequest): void {
  const scopes = ['instagram_basic', 'instagram_manage_comments'];
  requireScope(granted, scopes, 'instagram_business_manage_comments');
}
