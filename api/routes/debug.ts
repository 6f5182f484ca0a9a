import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { accountById } from '../../db/accounts.ts';
import { listAttempts } from '../../db/attempts.ts';
import { AccountState, accountState, AttemptView, attemptView } from '../debug-view.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { AnyId, Id, isUuid, nullable, refusals } from '../schemas.ts';

const AttemptQuery = Type.Object({ postId: AnyId }, { additionalProperties: false });
const tags = ['debug'];
const config = { access: 'admin' } as const;

/** For the operator, across tenants; never a token. */
export const debugRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

    app.get(
      '/api/debug/accounts/:id',
      {
        config,
        schema: {
          operationId: 'debugAccount',
          summary: 'An account and its token',
          tags,
          params: Id,
          response: { 200: AccountState, ...refusals(404) },
        },
      },
      async (request) => {
        const account = await accountById(db, request.params.id);
        if (account === null) throw apiError('not_found');
        return accountState(deps, account);
      },
    );

    app.get(
      '/api/debug/attempts',
      {
        config,
        schema: {
          operationId: 'debugAttempts',
          summary: 'The attempts of a post, newest first',
          tags,
          querystring: AttemptQuery,
          response: {
            200: Type.Object({ data: Type.Array(AttemptView), nextCursor: nullable.string }),
            ...refusals(404),
          },
        },
      },
      async ({ query: { postId } }) => {
        if (!isUuid(postId)) throw apiError('not_found');
        return { data: (await listAttempts(db, postId)).map(attemptView), nextCursor: null };
      },
    );
  };
