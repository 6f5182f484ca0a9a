import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import { Type } from 'typebox';
import { findAccount } from '../../db/accounts.ts';
import { PLATFORMS } from '../../providers/index.ts';
import type { Platform } from '../../providers/platform.ts';
import { type AskAccount, createAccountChecks } from '../account-checks.ts';
import { tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { publishOperation } from '../examples.ts';
import { noAccountOf, publishOptions, type PublishOptions } from '../new-post.ts';
import { IdempotencyHeaders } from '../idempotency.ts';
import { PostView } from '../post-view.ts';
import { askQuotas, PROVIDER_ROUTE_MS } from '../provider-call.ts';
import { readPost } from '../read-post.ts';
import { AnyId, isUuid, nullable, ref, refusals } from '../schemas.ts';
import { submitRequest } from '../submit.ts';

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

/** For each provider of the registry: publish, and how much may still be published. */
export const publishRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const askAccount = createAccountChecks(deps);
    for (const [name, platform] of Object.entries(PLATFORMS)) {
      addPublishing(app, deps, askAccount, { name, ...platform });
      if (platform.about.tellsLimits) addLimits(app, deps, name, platform.about.title);
    }
  };

type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

type NamedPlatform = Pick<Platform<unknown>, 'about' | 'requests'> & { name: string };

function addPublishing(
  app: App,
  deps: Deps,
  askAccount: AskAccount,
  { name, about, requests }: NamedPlatform,
): void {
  const asksProvider = deps.providers.find(name)?.publishing.accountCheck !== undefined;
  app.post(
    about.publishPath ?? `/api/${name}/publish`,
    {
      config: { access: 'posts:write' },
      ...(asksProvider ? { handlerTimeout: PROVIDER_ROUTE_MS } : {}),
      schema: {
        operationId: publishOperation(about),
        summary: `Publish to ${about.title}`,
        description: 'Accepted means durable: 202 with the post, whose workflow publishes it.',
        tags: [name],
        headers: IdempotencyHeaders,
        body: Type.Unsafe<PublishOptions>(
          Type.Object({ ...publishOptions, ...requests.fields }, { additionalProperties: false }),
        ),
        response: { 202: ref(PostView), ...refusals(404, 409, 415, 422) },
      },
    },
    async (request, reply) =>
      submitRequest(deps, request, reply, (userId) =>
        readPost(deps, askAccount, { name, requests }, userId, request.body),
      ),
  );
}

function addLimits(app: App, deps: Deps, name: string, title: string): void {
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
      const account = isUuid(accountId)
        ? await findAccount(deps.database.db, tenant(request), accountId)
        : null;
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
}
