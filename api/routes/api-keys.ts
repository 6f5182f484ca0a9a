import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { sha256Hex } from '../../crypto/signatures.ts';
import { type ApiKey, findApiKey, findUser, insertApiKey, revokeApiKey } from '../../db/users.ts';
import { actorOf, noted, SCOPES } from '../access.ts';
import { newKey } from '../api-keys.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { IdempotencyHeaders, identityOf } from '../idempotency.ts';
import { identityKey, identityKeyOrNull } from '../identity-key.ts';
import { Id, nullable, refusals, text, textOrNull, Time } from '../schemas.ts';

const KeyBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    scopes: Type.Optional(
      Type.Array(Type.Enum([...SCOPES]), {
        minItems: 1,
        maxItems: SCOPES.length,
        uniqueItems: true,
        description: 'Default: all scopes.',
      }),
    ),
    expiresAt: Type.Optional(Time),
  },
  { additionalProperties: false },
);
const NewKey = Type.Object({
  id: Type.String(),
  key: Type.String({ description: 'The key itself; it is shown only once.' }),
  name: Type.String(),
  prefix: Type.String(),
  scopes: Type.Array(Type.String()),
  expiresAt: nullable.time,
  createdAt: Time,
});
const KeyPath = Type.Object({ id: Type.String({ format: 'uuid' }), keyId: Type.String({ format: 'uuid' }) });

/** The API keys of a user; for the operator. */
export const apiKeyRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    const secretKey = identityKey(deps);

    app.post(
      '/api/users/:id/keys',
      {
        config: { access: 'admin' },
        schema: {
          operationId: 'createApiKey',
          summary: 'Create an API key for a user',
          tags: ['users'],
          params: Id,
          headers: IdempotencyHeaders,
          body: KeyBody,
          response: { 201: NewKey, ...refusals(404, 415, 422) },
        },
      },
      async (request, reply) => {
        const { scopes = [...SCOPES], expiresAt } = request.body;
        const userId = request.params.id;
        if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) throw apiError('invalid_expiry');
        if ((await findUser(db, userId)) === null) throw apiError('user_not_found');
        const { id, secret } = await identityOf(
          secretKey,
          ['api_key', userId],
          request.headers['idempotency-key'],
          request.body,
        );
        const key = newKey(await identityKeyOrNull(secretKey), secret);
        const row = rowOf(id, userId, key, { ...request.body, scopes });
        const made = await insertApiKey(db, row);
        if (made !== null) {
          await noted(request, db, {
            ...actorOf(request),
            userId,
            action: 'api_key.created',
            subject: id,
            details: { scopes },
          });
          return reply.code(201).send(viewOf(made, key));
        }
        const earlier = await findApiKey(db, id);
        if (earlier?.hash !== row.hash) throw apiError('idempotency_key_reused');
        void reply.header('idempotency-replayed', 'true');
        return reply.code(201).send(viewOf(earlier, key));
      },
    );

    app.delete(
      '/api/users/:id/keys/:keyId',
      {
        config: { access: 'admin' },
        schema: {
          operationId: 'revokeApiKey',
          summary: 'Revoke an API key',
          tags: ['users'],
          params: KeyPath,
          response: { 204: Type.Null({ description: 'Revoked.' }), ...refusals(404) },
        },
      },
      async (request, reply) => {
        const { id, keyId } = request.params;
        if (!(await revokeApiKey(db, id, keyId))) throw apiError('not_found');
        await noted(request, db, {
          ...actorOf(request),
          userId: id,
          action: 'api_key.revoked',
          subject: keyId,
        });
        return reply.code(204).send(null);
      },
    );
  };

/** A key as stored: by its hash. */
function rowOf(
  id: string,
  userId: string,
  key: string,
  { name, scopes, expiresAt }: Pick<ApiKey, 'name' | 'scopes'> & { expiresAt?: string },
) {
  return {
    id,
    userId,
    name,
    prefix: key.slice(0, 9),
    hash: sha256Hex(key),
    scopes,
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
  };
}

function viewOf({ id, name, prefix, scopes, expiresAt, createdAt }: ApiKey, key: string) {
  return { id, key, name, prefix, scopes, expiresAt: textOrNull(expiresAt), createdAt: text(createdAt) };
}
