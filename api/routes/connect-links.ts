import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { sha256Hex } from '../../crypto/signatures.ts';
import { findConnectLink, insertConnectLink } from '../../db/connect.ts';
import { PROVIDER_NAMES } from '../../providers/provider.ts';
import { actorOf, noted, tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError, fieldError } from '../errors.ts';
import { IdempotencyHeaders, identityOf } from '../idempotency.ts';
import { LONGEST_NAME, requireName } from '../names.ts';
import { identityKey } from '../identity-key.ts';
import { Method, refusals, text, Time } from '../schemas.ts';
import { returnToProblem } from '../urls.ts';
import { HOUR } from '../../durations.ts';

const LINK_MS = HOUR;

const LinkBody = Type.Object(
  {
    provider: Type.String({ minLength: 1, maxLength: 20, examples: [...PROVIDER_NAMES] }),
    method: Type.Optional(Method),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LONGEST_NAME,
        description:
          'Who asks, as shown on the creator’s page. Default: the user’s display name. Reduced to one line of visible text.',
      }),
    ),
    returnTo: Type.Optional(
      Type.String({
        maxLength: 2000,
        description:
          'Where to redirect afterwards, with `account=<id>` or `error=<code>` added: https, or http on a loopback host.',
      }),
    ),
  },
  { additionalProperties: false },
);
const Link = Type.Object({
  url: Type.String({ description: 'For the creator; it is shown only once.' }),
  expiresAt: Time,
});

/** One-time links that let a creator connect an account in any browser. */
export const connectLinkRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { config, providers } = deps;
    const { db } = deps.database;
    const secretKey = identityKey(deps);

    app.post(
      '/api/connect-links',
      {
        config: { access: 'accounts:write' },
        schema: {
          operationId: 'createConnectLink',
          summary: 'Create a one-time link that connects an account',
          description: 'It is valid for one hour and for one connection.',
          tags: ['accounts'],
          headers: IdempotencyHeaders,
          body: LinkBody,
          response: { 201: Link, ...refusals(404, 415, 422) },
        },
      },
      async (request, reply) => {
        const { provider, method, name, returnTo } = request.body;
        const found = providers.find(provider, method);
        if (found === null) throw apiError('provider_not_configured');
        const problem = returnTo === undefined ? null : returnToProblem(returnTo);
        if (problem !== null)
          throw fieldError([{ field: 'returnTo', message: problem }]) ?? apiError('invalid_request');
        const asker = name === undefined ? null : requireName('name', name);

        const userId = tenant(request);
        /** The expiry is part of the identity: once the row is deleted, the same request creates another link. */
        const linkUntil = async (expiresAt: Date) => {
          const { id, secret } = await identityOf(
            secretKey,
            ['connect_link', userId],
            request.headers['idempotency-key'],
            { body: request.body, expiresAt: text(expiresAt) },
          );
          return {
            id,
            hash: sha256Hex(secret),
            answer: {
              url: `${config.publicUrl}/api/auth/${provider}?link=${secret}`,
              expiresAt: text(expiresAt),
            },
          };
        };
        const expiresAt = new Date(Date.now() + LINK_MS);
        const { id, hash, answer } = await linkUntil(expiresAt);
        const row = {
          id,
          hash,
          userId,
          provider,
          method: found.method ?? null,
          name: asker,
          returnTo: returnTo ?? null,
          expiresAt,
        };
        const made = await insertConnectLink(db, row);
        if (made !== null) {
          await noted(request, db, {
            ...actorOf(request),
            action: 'connect_link.created',
            subject: id,
            details: { provider, method: row.method },
          });
          return reply.code(201).send(answer);
        }
        const earlier = await findConnectLink(db, id);
        const again = earlier === null ? null : await linkUntil(earlier.expiresAt);
        if (again === null || again.hash !== earlier?.hash) throw apiError('idempotency_key_reused');
        void reply.header('idempotency-replayed', 'true');
        return reply.code(201).send(again.answer);
      },
    );
  };
