import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { sha256Hex } from '../../crypto/signatures.ts';
import { type Account, accountsOf, deactivate } from '../../db/accounts.ts';
import { wipeTokens } from '../../db/tokens.ts';
import { audit } from '../../db/audit.ts';
import { findDeletion, insertDeletion } from '../../db/data-deletions.ts';
import { forgetCreator } from '../../db/copies.ts';
import { accountsOfLogin } from '../../db/logins.ts';
import type { Provider } from '../../providers/provider.ts';
import { Address, Name } from '../../providers/texts.ts';
import { signalAccountChanged, signalDisconnect } from '../../temporal/keepers.ts';
import { noted, refusedCaller } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { acceptForms } from '../forms.ts';
import { deletionPage, showPage } from '../pages.ts';
import { jsonOrHtml, nullable, ProviderPath, refusals, text, textOrNull, Time } from '../schemas.ts';
import { tell } from '../temporal.ts';

const SignedBody = Type.Object({ signed_request: Type.String({ maxLength: 10_000 }) });
const Handshake = Type.Object({
  'hub.mode': Type.Optional(Name),
  'hub.challenge': Type.Optional(Address),
  'hub.verify_token': Type.Optional(Address),
});
const form = ['application/x-www-form-urlencoded'];
const Code = Type.Object({ code: Type.String({ minLength: 1, maxLength: 100 }) });
const tags = ['webhooks'];

/** Meta's callbacks: the creator has removed the app, or wants their data deleted (instagram-facts 2.6). */
export const providerCallbackRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    acceptForms(app);

    app.get(
      '/api/webhooks/:provider',
      {
        config: { access: 'public', rateLimit: false },
        schema: {
          operationId: 'answerHandshake',
          summary: 'For the provider: is this URL ours?',
          tags,
          params: ProviderPath,
          querystring: Handshake,
          response: {
            200: Type.String({ description: 'The challenge, as it came.' }),
            ...refusals(404),
          },
        },
      },
      async (request, reply) => {
        const { name, webhooks } = configured(request.params.provider);
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
          consumes: form,
          body: SignedBody,
          response: { 200: Type.Object({ success: Type.Boolean() }), ...refusals(404, 415) },
        },
      },
      async (request) => {
        const { provider, accounts, at } = await about(request);
        for (const account of accounts) {
          const to = { status: 'reauth_required', reason: 'removed_by_creator', before: at } as const;
          const changed = account.status === 'active' ? await deactivate(db, account.id, to) : null;
          if (changed === null) continue;
          await noted(request, db, {
            actor: provider.name,
            userId: account.userId,
            ip: request.ip,
            action: 'account.reauth_required',
            subject: account.id,
            details: { reason: to.reason },
          });
          await tell(deps.temporal, request.log, `keepTokenFresh of ${account.id}`, () =>
            signalAccountChanged(deps.temporal, account),
          );
        }
        return { success: true };
      },
    );

    app.post(
      '/api/webhooks/:provider/data-deletion',
      {
        config: { access: 'public', rateLimit: false },
        schema: {
          operationId: 'receiveDataDeletion',
          summary: 'For the provider: a creator wants their data deleted',
          tags,
          params: ProviderPath,
          consumes: form,
          body: SignedBody,
          response: {
            200: Type.Object({ url: Type.String(), confirmation_code: Type.String() }),
            ...refusals(404, 415),
          },
        },
      },
      async (request) => {
        const { provider, accounts } = await about(request);
        // Delivered again, it is the same deletion.
        const code = sha256Hex(request.body.signed_request).slice(0, 32);
        await db.transaction(async (tx) => {
          for (const account of accounts) {
            await deactivate(tx, account.id, { status: 'disconnected', reason: 'data_deletion' });
            await wipeTokens(tx, account.id);
            await forgetCreator(tx, account);
            await audit(tx, {
              actor: provider.name,
              userId: account.userId,
              ip: request.ip,
              action: 'account.disconnected',
              subject: account.id,
              details: { reason: 'data_deletion' },
            });
          }
          await insertDeletion(tx, {
            code,
            provider: provider.name,
            accounts: accounts.length,
            completedAt: new Date(),
          });
        });
        for (const account of accounts)
          await tell(deps.temporal, request.log, `keepTokenFresh of ${account.id}`, () =>
            signalDisconnect(deps.temporal, account),
          );
        return { url: `${deps.config.publicUrl}/api/data-deletion/${code}`, confirmation_code: code };
      },
    );

    app.get(
      '/api/data-deletion/:code',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'getDataDeletion',
          summary: 'How a deletion stands, for whoever has its code',
          tags,
          params: Code,
          response: {
            200: jsonOrHtml(
              'How it stands.',
              Type.Object({
                provider: Type.String(),
                state: Type.Enum(['pending', 'completed']),
                requestedAt: Time,
                completedAt: nullable.time,
              }),
            ),
            ...refusals(404),
          },
        },
      },
      async (request, reply) => {
        const deletion = await findDeletion(db, request.params.code);
        if (deletion === null) throw apiError('not_found');
        // Meta shows the address to the person; programs ask for anything, or for JSON.
        if (request.headers.accept?.startsWith('text/html') === true)
          return showPage(reply, 200, deletionPage(deletion));
        const { provider, requestedAt, completedAt } = deletion;
        return {
          provider,
          state: completedAt === null ? ('pending' as const) : ('completed' as const),
          requestedAt: text(requestedAt),
          completedAt: textOrNull(completedAt),
        };
      },
    );

    /** @throws ApiError `provider_not_configured` */
    function configured(name: string): Provider {
      const provider = deps.providers.find(name);
      if (provider === null) throw apiError('provider_not_configured');
      return provider;
    }

    /** Whom a signed callback is about. @throws ApiError `callback_not_supported`, `invalid_signature` */
    async function about(
      request: FastifyRequest<{ Params: { provider: string }; Body: { signed_request: string } }>,
    ): Promise<{ provider: Provider; accounts: Account[]; at: Date }> {
      const provider = configured(request.params.provider);
      if (provider.webhooks.signedUser === undefined) throw apiError('callback_not_supported');
      const signed = provider.webhooks.signedUser(request.body.signed_request, new Date());
      if (signed === null) throw await refusedCaller(deps, request, provider.name, 'invalid_signature');
      const accounts = new Map(
        [
          ...(await accountsOf(db, provider.name, signed.user)),
          ...(await accountsOfLogin(db, provider.name, signed.user)),
        ].map((account) => [account.id, account]),
      );
      // A consent that is younger is another one: neither a late nor a repeated callback ends it.
      const meant = [...accounts.values()].filter(
        ({ connectedAt }) => wholeSeconds(connectedAt) <= signed.at,
      );
      return { provider, accounts: meant, at: signed.at };
    }
  };

/** Providers tell whole seconds. */
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
