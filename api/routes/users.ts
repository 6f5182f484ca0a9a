import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import { sha256Hex } from '../../crypto/signatures.ts';
import {
  findUser,
  findUserByEmail,
  insertUser,
  renameUser,
  type User as StoredUser,
} from '../../db/users.ts';
import { actorOf, noted } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { IdempotencyHeaders, identityOf } from '../idempotency.ts';
import { identityKey } from '../identity-key.ts';
import { LONGEST_NAME, requireName } from '../names.ts';
import { Id, refusals } from '../schemas.ts';

const WHO_ASKS =
  'Who asks, as shown on the page of the user’s connect links. Default: the host of the public URL. Reduced to one line of visible text.';

const UserBody = Type.Object(
  {
    email: Type.String({ format: 'email', maxLength: 254 }),
    displayName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LONGEST_NAME,
        description: WHO_ASKS,
      }),
    ),
  },
  { additionalProperties: false },
);
const UserChange = Type.Object(
  {
    displayName: Type.Union([Type.String({ minLength: 1, maxLength: LONGEST_NAME }), Type.Null()], {
      description: `${WHO_ASKS} Null removes it.`,
    }),
  },
  { additionalProperties: false },
);
const User = Type.Object({
  id: Type.String(),
  email: Type.String(),
  displayName: Type.Optional(Type.String()),
});

/** Users; for the operator. */
export const userRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    const secretKey = identityKey(deps);

    app.post(
      '/api/users',
      {
        config: { access: 'admin' },
        schema: {
          operationId: 'createUser',
          summary: 'Create a user',
          tags: ['users'],
          headers: IdempotencyHeaders,
          body: UserBody,
          response: { 201: User, ...refusals(409, 415, 422) },
        },
      },
      async (request, reply) => {
        const { email } = request.body;
        const displayName =
          request.body.displayName === undefined
            ? null
            : requireName('displayName', request.body.displayName);
        const key = request.headers['idempotency-key'];
        const { id, secret } = await identityOf(secretKey, ['user'], key, request.body);
        const requestHash = key === undefined ? null : sha256Hex(secret);
        const user = await insertUser(db, { id, email, displayName, requestHash });
        if (user === null) {
          const earlier = await findUser(db, id);
          if (earlier === null)
            throw apiError('email_taken', {
              details: { userId: (await findUserByEmail(db, email))?.id ?? null },
            });
          if (earlier.requestHash !== requestHash) throw apiError('idempotency_key_reused');
          void reply.header('idempotency-replayed', 'true');
          return reply.code(201).send(userView(earlier));
        }
        await noted(request, db, { ...actorOf(request), action: 'user.created', subject: id });
        return reply.code(201).send(userView(user));
      },
    );

    app.patch(
      '/api/users/:id',
      {
        config: { access: 'admin' },
        schema: {
          operationId: 'changeUser',
          summary: 'Change the name shown on a user’s connect links',
          tags: ['users'],
          params: Id,
          body: UserChange,
          response: { 200: User, ...refusals(404, 415) },
        },
      },
      async (request) => {
        const { displayName } = request.body;
        const { id } = request.params;
        const name = displayName === null ? null : requireName('displayName', displayName);
        const user = await renameUser(db, id, name);
        if (user === null) throw apiError('user_not_found');
        await noted(request, db, { ...actorOf(request), action: 'user.changed', subject: id });
        return userView(user);
      },
    );
  };

function userView({ id, email, displayName }: StoredUser): Static<typeof User> {
  return { id, email, ...(displayName === null ? {} : { displayName }) };
}
