import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { accountById } from '../../db/accounts.ts';
import { refreshDueAt } from '../../db/tokens.ts';
import { listAttempts } from '../../db/attempts.ts';
import { listEvents, reopenEvent } from '../../db/events.ts';
import { startEvent } from '../../temporal/events.ts';
import { tokenWorkflowId } from '../../temporal/names.ts';
import { actorOf, noted } from '../access.ts';
import { AccountState, AttemptView, attemptView, EventListText, eventText } from '../debug-view.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { pageOf, PageQuery, pieceOf } from '../paging.ts';
import { refreshExpiresAt } from '../account-view.ts';
import { quotasOf } from '../quotas.ts';
import { AnyId, Id, isUuid, nullable, refusals, text, textOrNull } from '../schemas.ts';
import { ask } from '../temporal.ts';

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
        const workflowId = tokenWorkflowId(account.provider, account.id);
        return {
          id: account.id,
          userId: account.userId,
          provider: account.provider,
          openId: account.openId,
          status: account.status,
          statusReason: account.statusReason,
          scopes: account.scope,
          tokenVersion: account.tokenVersion,
          hasAccessToken: account.accessTokenEncrypted !== null,
          hasRefreshToken: account.refreshTokenEncrypted !== null,
          issuedAt: textOrNull(account.issuedAt),
          connectedAt: text(account.connectedAt),
          expiresAt: textOrNull(account.expiresAt),
          refreshExpiresAt: textOrNull(refreshExpiresAt(deps, account)),
          refreshDueAt: account.status === 'active' ? textOrNull(refreshDueAt(account)) : null,
          quotas: await quotasOf(deps, account),
          workflowId,
          workflowPath: `/namespaces/${deps.temporal.options.namespace}/workflows/${encodeURIComponent(workflowId)}`,
        };
      },
    );

    app.get(
      '/api/debug/events',
      {
        config,
        schema: {
          operationId: 'debugEvents',
          summary: 'Webhook events, newest first',
          tags,
          querystring: PageQuery,
          response: {
            200: { description: 'Events.', content: { 'application/json': { schema: EventListText } } },
            ...refusals(),
          },
        },
      },
      async (request, reply) => {
        const page = pageOf(request.query);
        const { data, nextCursor } = pieceOf(
          await listEvents(db, page),
          page,
          ({ receivedAt }) => receivedAt,
          eventText,
        );
        return reply
          .type('application/json; charset=utf-8')
          .serializer((body: string) => body)
          .send(`{"data":[${data.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`);
      },
    );

    app.post(
      '/api/debug/events/:id/replay',
      {
        config,
        schema: {
          operationId: 'replayEvent',
          summary: 'Apply an event once more',
          tags,
          params: Id,
          response: {
            202: Type.Object({ id: Type.String() }, { description: 'It will be applied.' }),
            ...refusals(404),
          },
        },
      },
      async (request, reply) => {
        const event = await reopenEvent(db, request.params.id);
        if (event === null) throw apiError('not_found');
        const { id, provider, externalId, eventType } = event;
        await ask(deps.temporal, () =>
          startEvent(
            deps.temporal,
            { provider, externalId, input: { eventId: id }, summary: eventType, requestId: request.id },
            true,
          ),
        );
        await noted(request, db, { ...actorOf(request), action: 'event.replayed', subject: id });
        return reply.code(202).send({ id });
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
