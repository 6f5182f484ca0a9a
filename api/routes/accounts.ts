import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findAccount, listAccounts, markDisconnected } from '../../db/accounts.ts';
import { askToRevoke } from '../../temporal/keepers.ts';
import { accountView, AccountView } from '../account-view.ts';
import { actorOf, noted, tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { List, pageOf, PageQuery, pieceOf } from '../paging.ts';
import { Id, ref, refusals } from '../schemas.ts';
import { tell } from '../temporal.ts';

/** How long DELETE waits for the provider. */
const REVOKED_MS = 10_000;

/** Connected accounts. */
export const accountRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

    app.get(
      '/api/accounts',
      {
        config: { access: 'accounts:read' },
        schema: {
          operationId: 'listAccounts',
          summary: 'Connected accounts, newest first',
          tags: ['accounts'],
          querystring: PageQuery,
          response: { 200: List(ref(AccountView)), ...refusals() },
        },
      },
      async (request) => {
        const page = pageOf(request.query);
        const accounts = await listAccounts(db, tenant(request), page);
        const { data, nextCursor } = pieceOf(
          accounts,
          page,
          ({ createdAt }) => createdAt,
          (account) => accountView(deps, account),
        );
        return { data: await Promise.all(data), nextCursor };
      },
    );

    app.get(
      '/api/accounts/:id',
      {
        config: { access: 'accounts:read' },
        schema: {
          operationId: 'getAccount',
          summary: 'One account',
          tags: ['accounts'],
          params: Id,
          response: { 200: ref(AccountView), ...refusals(404) },
        },
      },
      async (request) => {
        const account = await findAccount(db, tenant(request), request.params.id);
        if (account === null) throw apiError('not_found');
        return accountView(deps, account);
      },
    );

    app.delete(
      '/api/accounts/:id',
      {
        config: { access: 'accounts:write' },
        handlerTimeout: REVOKED_MS + 5_000,
        schema: {
          operationId: 'disconnectAccount',
          summary: 'Disconnect an account',
          description:
            'Revokes the access at the provider, wipes the tokens and cancels open posts. Records stay. The answer waits up to 10 seconds for the revocation; a slower one continues in the background and never ends a later connection.',
          tags: ['accounts'],
          params: Id,
          response: { 204: Type.Null({ description: 'Disconnected.' }), ...refusals(404) },
        },
      },
      async (request, reply) => {
        const account = await markDisconnected(db, tenant(request), request.params.id);
        if (account === null) throw apiError('not_found');
        await noted(request, db, {
          ...actorOf(request),
          action: 'account.disconnected',
          subject: account.id,
          details: { provider: account.provider },
        });
        // A client that reconnects the account after this answer creates a newer grant, which the revocation must not
        // end.
        await tell(
          deps.temporal,
          request.log,
          `revocation of ${account.id}`,
          () => askToRevoke(deps.temporal, account),
          REVOKED_MS,
        );
        return reply.code(204).send(null);
      },
    );
  };
