import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findAccount } from '../../db/accounts.ts';
import type { ProviderName } from '../../providers/provider.ts';
import { tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { noAccountOf } from '../new-post.ts';
import { IdempotencyHeaders } from '../idempotency.ts';
import { InstagramBody, readInstagram } from '../instagram-publish.ts';
import { PostView } from '../post-view.ts';
import { askQuotas, PROVIDER_ROUTE_MS } from '../provider-call.ts';
import { AnyId, isUuid, nullable, ref, refusals } from '../schemas.ts';
import { submitRequest } from '../submit.ts';
import { readThreads, ThreadsBody } from '../threads-publish.ts';

const LimitsQuery = Type.Object({ accountId: AnyId }, { additionalProperties: false });
const Limits = Type.Object({
  accountId: Type.String(),
  quotas: Type.Array(
    Type.Object({
      quota: Type.String(),
      limit: Type.Integer(),
      used: Type.Integer(),
      remaining: Type.Integer(),
      resetAt: nullable.time,
    }),
  ),
});

const schemaOf = (title: string, tag: ProviderName) => ({
  operationId: `publishTo${title}`,
  summary: `Publish to ${title}`,
  description: 'Accepted means durable: 202 with the post, whose workflow publishes it.',
  tags: [tag],
  headers: IdempotencyHeaders,
  response: { 202: ref(PostView), ...refusals(404, 409, 415, 422) },
});

/** Instagram and Threads: publish, and how much may still be published. */
export const publishRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    app.post(
      '/api/instagram/publish',
      {
        config: { access: 'posts:write' },
        schema: { ...schemaOf('Instagram', 'instagram'), body: InstagramBody },
      },
      async (request, reply) =>
        submitRequest(deps, request, reply, (userId) => readInstagram(deps, userId, request.body)),
    );

    app.post(
      '/api/threads/publish',
      {
        config: { access: 'posts:write' },
        schema: { ...schemaOf('Threads', 'threads'), body: ThreadsBody },
      },
      async (request, reply) =>
        submitRequest(deps, request, reply, (userId) => readThreads(deps, userId, request.body)),
    );

    for (const [name, title] of [
      ['instagram', 'Instagram'],
      ['threads', 'Threads'],
    ] as const)
      app.get(
        `/api/${name}/limits`,
        {
          config: { access: 'accounts:read' },
          handlerTimeout: PROVIDER_ROUTE_MS,
          schema: {
            operationId: `get${title}Limits`,
            summary: `How much the account may still publish, as ${title} says now`,
            tags: [name],
            querystring: LimitsQuery,
            response: { 200: Limits, ...refusals(404, 409, 422, 502) },
          },
        },
        async (request, reply) => {
          const { accountId } = request.query;
          const account = isUuid(accountId) ? await findAccount(db, tenant(request), accountId) : null;
          if (account?.provider !== name) throw noAccountOf(name, account);
          const told = await askQuotas(deps, account);
          if (told === null) throw apiError('account_not_found');
          void reply.header('cache-control', 'no-store');
          return {
            accountId: account.id,
            quotas: told.map(({ bucket, limit, used }) => ({
              quota: bucket,
              limit,
              used,
              remaining: Math.max(0, limit - used),
              resetAt: null,
            })),
          };
        },
      );
  };
