import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { listEvents, reopenEvent } from '../../db/events.ts';
import { startEvent } from '../../temporal/events.ts';
import { actorOf, noted } from '../access.ts';
import { EventListText, eventText } from '../debug-view.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { pageOf, PageQuery, pieceOf } from '../paging.ts';
import { Id, refusals } from '../schemas.ts';
import { ask } from '../temporal.ts';

const tags = ['debug'];
const config = { access: 'admin' } as const;

/** Webhook events for the operator, across tenants. */
export const debugEventRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

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
          summary: 'Apply an event again',
          tags,
          params: Id,
          response: {
            202: Type.Object({ id: Type.String() }, { description: 'The event will be applied.' }),
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
  };
