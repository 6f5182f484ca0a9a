import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findAccount } from '../../db/accounts.ts';
import { tenant } from '../access.ts';
import { COMMENT_STATES, CommentView } from '../comment-view.ts';
import { commentPage } from '../comments-page.ts';
import { accountOf, CopiesQuery } from '../content-query.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { List } from '../paging.ts';
import { AnyId, Id, isUuid, ref, refusals } from '../schemas.ts';

const tags = ['content'];

const InboxQuery = Type.Object(
  {
    ...CopiesQuery.properties,
    accountId: Type.Optional(AnyId),
    state: Type.Optional(
      Type.Enum([...COMMENT_STATES], {
        description:
          '`pending`: waits for approval. `removed` shows removed comments without `includeRemoved`.',
      }),
    ),
    q: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'A part of the text. Case does not matter; every character stands for itself.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** Copied comments: of one account, and of all accounts. */
export const commentRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/api/accounts/:id/comments',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'listAccountComments',
          summary: 'Comments on the media of an account, newest first',
          tags,
          params: Id,
          querystring: CopiesQuery,
          response: { 200: List(ref(CommentView)), ...refusals(404) },
        },
      },
      async (request) => {
        const account = await accountOf(deps, tenant(request), request.params.id);
        return commentPage(deps, tenant(request), request.query, { accountId: account.id });
      },
    );

    app.get(
      '/api/comments',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'listComments',
          summary: 'Comments on the media of all accounts, newest first',
          tags,
          querystring: InboxQuery,
          response: { 200: List(ref(CommentView)), ...refusals(404) },
        },
      },
      async (request) => {
        const { accountId = null, state = null, q = '' } = request.query;
        const userId = tenant(request);
        if (accountId !== null && !(await isAccountOf(deps, userId, accountId)))
          throw apiError('account_not_found');
        return commentPage(deps, userId, request.query, { accountId, state, q: q === '' ? null : q });
      },
    );
  };

async function isAccountOf({ database: { db } }: Deps, userId: string, accountId: string): Promise<boolean> {
  return isUuid(accountId) && (await findAccount(db, userId, accountId)) !== null;
}
