import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { findMediaCopy, listMediaCopies, type MediaCopy } from '../../db/content/media.ts';
import { tenant } from '../access.ts';
import { CommentView } from '../comment-view.ts';
import { commentPage } from '../comments-page.ts';
import { accountOf, CopiesQuery, copiesFilter, CopyQuery } from '../content-query.ts';
import { MediaCopyView, mediaCopyView } from '../content-view.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { List, pageOf, pieceOf } from '../paging.ts';
import { Id, ref, refusals } from '../schemas.ts';

const tags = ['content'];

/** Copies of media, also of those that Everpost did not publish. */
export const mediaCopyRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

    app.get(
      '/api/accounts/:id/media',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'listMediaCopies',
          summary: 'Copies of the media of an account, newest first',
          tags,
          params: Id,
          querystring: CopiesQuery,
          response: { 200: List(ref(MediaCopyView)), ...refusals(404) },
        },
      },
      async (request) => {
        const userId = tenant(request);
        const account = await accountOf(deps, userId, request.params.id);
        const { raw = false } = request.query;
        const filter = { accountId: account.id, ...copiesFilter(request.query) };
        const page = pageOf(request.query, { list: 'media', ...filter });
        const media = await listMediaCopies(db, userId, filter, page, raw);
        return pieceOf(
          media,
          page,
          ({ sortAt }) => sortAt,
          (one) => mediaCopyView(one, raw),
        );
      },
    );

    app.get(
      '/api/media-copies/:id',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'getMediaCopy',
          summary: 'The copy of one media',
          description: 'Also of one that is gone at the platform, whatever `includeRemoved` says.',
          tags,
          params: Id,
          querystring: CopyQuery,
          response: { 200: ref(MediaCopyView), ...refusals(404) },
        },
      },
      async (request) => {
        const { raw = false } = request.query;
        return mediaCopyView(await mediaCopyOf(deps, tenant(request), request.params.id, raw), raw);
      },
    );

    app.get(
      '/api/media-copies/:id/comments',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'listMediaComments',
          summary: 'Comments on one media, newest first',
          tags,
          params: Id,
          querystring: CopiesQuery,
          response: { 200: List(ref(CommentView)), ...refusals(404) },
        },
      },
      async (request) => {
        const userId = tenant(request);
        const media = await mediaCopyOf(deps, userId, request.params.id);
        const { accountId, id: mediaId } = media;
        return commentPage(deps, userId, request.query, { accountId, mediaId });
      },
    );
  };

/** A tenant's copy of a media. @throws ApiError `not_found` */
export async function mediaCopyOf(
  { database: { db } }: Deps,
  userId: string,
  id: string,
  withRaw = false,
): Promise<MediaCopy> {
  const media = await findMediaCopy(db, userId, id, withRaw);
  if (media === null) throw apiError('not_found');
  return media;
}
