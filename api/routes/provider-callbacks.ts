import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type Account, deactivate } from '../../db/accounts.ts';
import { audit } from '../../db/audit.ts';
import { Address, Name } from '../../providers/texts.ts';
import { signalAccountChanged } from '../../temporal/keepers.ts';
import { refusedCaller } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { acceptForms } from '../forms.ts';
import { ProviderPath, refusals } from '../schemas.ts';
import { readSigned, SIGNED_AS, SignedBody, tellerOf } from '../signed-callbacks.ts';
import { tell } from '../temporal.ts';

const Handshake = Type.Object({
  'hub.mode': Type.Optional(Name),
  'hub.challenge': Type.Optional(Address),
  'hub.verify_token': Type.Optional(Address),
});
const tags = ['webhooks'];

/** A platform's callbacks: the verification of this URL, and the removal of the app by a creator. */
export const providerCallbackRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    acceptForms(app);

    app.get(
      '/api/webhooks/:provider',
      {
        config: { access: 'public', rateLimit: false },
        schema: {
          operationId: 'answerHandshake',
          summary: 'For the provider: verify this URL',
          tags,
          params: ProviderPath,
          querystring: Handshake,
          response: {
            200: Type.String({ description: 'The challenge, unchanged.' }),
            ...refusals(404),
          },
        },
      },
      async (request, reply) => {
        const { name, webhooks } = tellerOf(deps, request.params.provider);
        if (webhooks.handshake === undefined) throw apiError('callback_not_supported');
        const challenge = webhooks.handshake(request.query);
        if (challenge === null) throw await refusedCaller(deps, request, name, 'forbidden');
        return reply
          .type('text/plain; charset=utf-8')
          .serializer((answer: string) => answer)
          .send(challenge);
      },
    );

    app.post(
      '/api/webhooks/:provider/deauthorize',
      {
        config: { access: 'public', rateLimit: false },
        schema: {
          operationId: 'receiveDeauthorization',
          summary: 'For the provider: a creator has removed the app',
          tags,
          params: ProviderPath,
          consumes: SIGNED_AS,
          body: SignedBody,
          response: { 200: Type.Object({ success: Type.Boolean() }), ...refusals(404, 415) },
        },
      },
      async (request) => {
        const { provider, accounts, at } = await readSigned(deps, request);
        for (const account of accounts) await markRemoved(deps, request, provider.name, account, at);
        return { success: true };
      },
    );
  };

/** Marks the account for reconnection, because the creator has removed the app. */
async function markRemoved(
  deps: Deps,
  request: FastifyRequest,
  provider: string,
  account: Account,
  at: Date,
): Promise<void> {
  const { db } = deps.database;
  const to = { status: 'reauth_required', reason: 'removed_by_creator', before: at } as const;
  if (account.status !== 'active') return;
  // One commit: a repeated callback finds the account out of service and records nothing.
  const changed = await db.transaction(async (tx) => {
    const deactivated = await deactivate(tx, account.id, to);
    if (deactivated !== null)
      await audit(tx, {
        actor: provider,
        userId: account.userId,
        ip: request.ip,
        action: 'account.reauth_required',
        subject: account.id,
        details: { reason: to.reason },
      });
    return deactivated;
  });
  if (changed === null) return;
  await tell(deps.temporal, request.log, `keepTokenFresh of ${account.id}`, () =>
    signalAccountChanged(deps.temporal, account),
  );
}
