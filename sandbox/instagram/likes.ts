import type { Route } from '../core/http.ts';
import { refuseGraph } from '../meta/errors.ts';
import { accountFor, notFound, requireScope, type CheckAccess } from './access.ts';
import { accountOf, type Instagram } from './context.ts';
import { graphRoutes, type GraphRequest } from './graph.ts';
import { badParam } from './problems.ts';
import type { Comment, Media } from './state.ts';

const BURST = 50;
const BURST_MS = 5_000;
const LOCK_MS = 3_600_000;
const SCOPES = ['instagram_basic', 'instagram_manage_engagement'];

/** The Like API of Facebook Login (instagram-facts 12). */
export function likeRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { core, state } = instagram;
  const calls = new Map<string, number[]>();
  const lockedUntil = new Map<string, number>();

  /** More than 50 requests in 5 seconds lock the account for an hour. The error's code is UNCONFIRMED. */
  function requireRoom(accountId: string): void {
    const now = core.clock.now();
    const recent = [...(calls.get(accountId) ?? []).filter((at) => at > now - BURST_MS), now];
    calls.set(accountId, recent);
    if (recent.length > BURST) lockedUntil.set(accountId, now + LOCK_MS);
    if ((lockedUntil.get(accountId) ?? 0) <= now) return;
    refuseGraph({ code: 613, message: '(#613) Calls to this api have exceeded the rate limit.' });
  }

  function subjectOf({ params }: GraphRequest): Media | Comment {
    const mediaId = params.get('media_id');
    const commentId = params.get('comment_id');
    if ((mediaId === null) === (commentId === null)) {
      badParam('Exactly one of media_id and comment_id is required');
    }
    const comment = state.comments.find(({ id, withheld }) => id === commentId && !withheld);
    if (commentId !== null && comment === undefined) return notFound(commentId);
    const media = state.media.find(({ id }) => id === (comment?.mediaId ?? mediaId));
    if (media === undefined) return notFound(mediaId ?? '');
    if (media.productType === 'STORY') badParam('Stories can not be liked');
    if (accountOf(instagram, media.accountId).private) badParam('Media of private accounts can not be liked');
    return comment ?? media;
  }

  /** No effect when it is so already. */
  function set(request: GraphRequest, liked: boolean): object {
    requireScope(request.access, SCOPES, '');
    requireRoom(accountFor(instagram, request.access, request.id).id);
    const subject = subjectOf(request);
    if (subject.ownLike !== liked) subject.likes = Math.max(subject.likes + (liked ? 1 : -1), 0);
    subject.ownLike = liked;
    return { success: true };
  }

  const shared = { path: '/{id}/likes', endpoint: 'instagram.likes', only: 'facebook' } as const;
  return graphRoutes(instagram, access, [
    { method: 'POST', ...shared, handle: (request) => set(request, true) },
    { method: 'DELETE', ...shared, handle: (request) => set(request, false) },
  ]);
}
