import type { Static } from 'typebox';
import { type CommentFilter, listComments } from '../db/content/comments.ts';
import { commentView, wholeComments } from './comment-view.ts';
import { type CopiesQuery, copiesFilter } from './content-query.ts';
import type { Deps } from './deps.ts';
import { pageOf, pieceOf } from './paging.ts';

/** One page of a list of comments. @throws ApiError `invalid_cursor` */
export async function commentPage(
  deps: Deps,
  userId: string,
  query: Static<typeof CopiesQuery>,
  which: Partial<CommentFilter>,
) {
  const filter = { accountId: null, mediaId: null, state: null, q: null, ...copiesFilter(query), ...which };
  const page = pageOf(query, { list: 'comments', ...filter });
  const comments = await listComments(deps.database.db, userId, filter, page, query.raw ?? false);
  const { data, nextCursor } = pieceOf(
    comments,
    page,
    ({ sortAt }) => sortAt,
    (comment) => comment,
  );
  const whole = await wholeComments(deps, userId, data);
  return { data: whole.map((one) => commentView(deps, one)), nextCursor };
}
