import type { Route } from '../core/http.ts';
import { graphId } from '../meta/ids.ts';
import { refuseGraph } from '../meta/errors.ts';
import { notFound, requireScope, type CheckAccess } from './access.ts';
import { accountOf, type Instagram } from './context.ts';
import { tellComment } from './events.ts';
import { fieldsOf, graphRoutes, pick, type GraphRequest } from './graph.ts';
import { ownMedia } from './node-routes.ts';
import { commentNode, newestFirst, shownReplies } from './nodes.ts';
import { pageOf } from './pages.ts';
import { badParam } from './problems.ts';
import type { Comment } from './state.ts';

const COMMENTS_PAGE = 50;

/** instagram-facts 7.3: comments and their replies. */
export function commentRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core, options, state } = instagram;

  function page(request: GraphRequest, edge: 'comments' | 'replies', newest: Comment[]): object {
    const rules = { defaultLimit: 25, maxLimit: COMMENTS_PAGE, refuseOver: false };
    const { items, paging } = pageOf(instagram, request, edge, newest, rules);
    const fields = fieldsOf(request.params, ['timestamp', 'text', 'id']);
    const data = items.map((comment) =>
      pick(commentNode(instagram, request, comment, true), 'IGComment', fields),
    );
    // The documentation has no cursors here, the real API does (instagram-facts 7.3).
    return { data, ...(paging === undefined || !options.commentCursors ? {} : { paging }) };
  }

  /** Top level only, newest first, at most 50 a query, and none of restricted people (instagram-facts 7.3 and 12). */
  function list(request: GraphRequest): object {
    requireComments(request);
    const media = ownMedia(instagram, request);
    const shown = state.comments.filter(
      ({ mediaId, parentId, withheld }) => mediaId === media.id && parentId === null && !withheld,
    );
    return page(request, 'comments', newestFirst(shown));
  }

  function commentOf(request: GraphRequest): Comment {
    const comment = state.comments.find(({ id }) => id === request.id);
    if (comment === undefined || comment.withheld) return notFound(request.id);
    ownMedia(instagram, { ...request, id: comment.mediaId });
    return comment;
  }

  function replies(request: GraphRequest): object {
    requireComments(request);
    const comment = commentOf(request);
    return page(request, 'replies', shownReplies(instagram, comment));
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
      withheld: false,
      ownLike: false,
    };
    state.comments.push(comment);
    // Own comments come back as events too (instagram-facts 8.5, point 11).
    tellComment(instagram, media, comment);
    // With `fields` the comment is made before the answer is refused (instagram-facts 12).
    if (request.params.has('fields')) {
      const problem = 'The request does not support the requested response format';
      refuseGraph({ code: 20, subcode: 1_772_107, message: problem });
    }
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
    {
      method: 'POST',
      path: '/{id}/replies',
      endpoint: 'instagram.replies',
      variant: () => 'write',
      handle: addReply,
    },
  ]);
}

function requireComments({ access: granted }: GraphRequest): void {
  const scopes = ['instagram_basic', 'instagram_manage_comments'];
  requireScope(granted, scopes, 'instagram_business_manage_comments');
}
