import type { IncomingMessage } from 'node:http';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { insertEvents, type NewEvent } from '../../db/events.ts';
import type { Teller } from '../../providers/provider.ts';
import type { IncomingEvent } from '../../providers/webhooks.ts';
import { startEvent } from '../../temporal/events.ts';
import { refusedCaller } from '../access.ts';
import { OCTETS } from '../content-types.ts';
import { batched } from '../batches.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { createEventStarter } from '../event-starter.ts';
import { isDatabaseAway, soon, soonFromTemporal } from '../outage.ts';
import { ProviderPath, refusals } from '../schemas.ts';
import { tellerOf } from '../signed-callbacks.ts';
import { readWebhookBody } from '../webhook-bodies.ts';

/** For each of the two stores, so that a provider learns within two seconds if both are down. */
const STORE_MS = 1_000;

/** Receives the providers' webhooks. The answer waits only for the commit. */
export const webhookRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    const starter = createEventStarter(deps, app.log);
    app.addHook('onClose', () => starter.close());
    const store = batched<NewEvent>(async (events) => {
      const fresh = await insertEvents(db, events);
      // A duplicate was started with its first delivery, or the sweep will start it.
      setImmediate(() => starter.start(fresh));
    });

    app.removeAllContentTypeParsers();
    // Signatures cover the raw bytes.
    app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) =>
      readWebhookBody(payload, providerOf(request).webhooks.largestBody),
    );
    // The signature decides, whatever a proxy or the provider calls the body: Fastify refuses types that are none.
    app.addHook('onRequest', async ({ raw }) => void (raw.headers['content-type'] = OCTETS));
    app.addHook('preParsing', async (request) => {
      const { name, webhooks } = providerOf(request);
      if (!webhooks.mayBeSigned(request.headers, new Date()))
        throw await refusedCaller(deps, request, name, 'invalid_signature');
    });

    app.post(
      '/api/webhooks/:provider',
      {
        config: { access: 'public', rateLimit: false, quiet: true, endsByItself: true },
        // No browser reads the answer.
        helmet: false,
        schema: {
          operationId: 'receiveWebhook',
          summary: 'For the provider: deliver an event',
          tags: ['webhooks'],
          params: ProviderPath,
          response: {
            200: Type.Object({ received: Type.Integer() }, { description: 'Stored.' }),
            ...refusals(404, 413),
          },
        },
      },
      async (request) => {
        const provider = providerOf(request);
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        if (!provider.webhooks.verify(body, request.headers, new Date()))
          throw await refusedCaller(deps, request, provider.name, 'invalid_signature');
        const events = split(() => provider.webhooks.split(body));
        try {
          const origin = { provider: provider.name, requestId: request.id };
          await soon(
            store(events.map((event) => ({ ...event, ...origin }))),
            'database_unavailable',
            STORE_MS,
          );
        } catch (error) {
          if (!isDatabaseAway(error)) throw error;
          request.log.warn({ err: error }, 'the database is down: workflows keep the events');
          await keepInTemporal(deps, provider.name, events, request.id);
        }
        return { received: events.length };
      },
    );

    /** @throws ApiError `provider_not_configured` */
    function providerOf({ params }: FastifyRequest): Teller {
      if (!Value.Check(ProviderPath, params)) throw apiError('provider_not_configured');
      return tellerOf(deps, params.provider);
    }
  };

function split(read: () => IncomingEvent[]): IncomingEvent[] {
  try {
    return read();
  } catch (error) {
    throw apiError('malformed_json', { cause: error });
  }
}

/** The second store: a workflow that stores the event once the database is back. @throws if Temporal is down too */
async function keepInTemporal(
  { temporal }: Deps,
  provider: string,
  events: readonly IncomingEvent[],
  requestId: string,
): Promise<void> {
  try {
    await soonFromTemporal(
      temporal,
      () =>
        Promise.all(
          events.map(({ externalId, eventType, providerAccountId, payload }) =>
            startEvent(temporal, {
              provider,
              externalId,
              input: { event: { provider, externalId, eventType, providerAccountId, payload } },
              summary: eventType,
              requestId,
            }),
          ),
        ),
      STORE_MS,
    );
  } catch (error) {
    throw apiError('database_unavailable', { cause: error });
  }
}
