import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { sha256Hex } from '../../crypto/signatures.ts';
import { type Account, deactivate } from '../../db/accounts.ts';
import { audit } from '../../db/audit.ts';
import { forgetCreator } from '../../db/copies.ts';
import { findDeletion, insertDeletion } from '../../db/data-deletions.ts';
import { wipeTokens } from '../../db/tokens.ts';
import { signalDisconnect } from '../../temporal/keepers.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { acceptForms } from '../forms.ts';
import { deletionPage, showPage } from '../pages.ts';
import { jsonOrHtml, nullable, ProviderPath, refusals, text, textOrNull, Time } from '../schemas.ts';
import { readSigned, SIGNED_AS, SignedBody } from '../signed-callbacks.ts';
import { tell } from '../temporal.ts';

const Code = Type.Object({ code: Type.String({ minLength: 1, maxLength: 100 }) });
const tags = ['webhooks'];

/** A creator asks a platform for the deletion of their data, and can see its state. */
export const dataDeletionRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    acceptForms(app);

    app.post(
      '/api/webhooks/:provider/data-deletion',
      {
        config: { access: 'public', rateLimit: false },
        schema: {
          operationId: 'receiveDataDeletion',
          summary: 'For the provider: a creator requests the deletion of their data',
          tags,
          params: ProviderPath,
          consumes: SIGNED_AS,
          body: SignedBody,
          response: {
            200: Type.Object({ url: Type.String(), confirmation_code: Type.String() }),
            ...refusals(404, 415),
          },
        },
      },
      async (request) => {
        const { provider, accounts } = await readSigned(deps, request);
        // A repeated delivery is the same deletion.
        const code = sha256Hex(request.body.signed_request).slice(0, 32);
        await deleteData(deps, request, provider.name, accounts, code);
        return { url: `${deps.config.publicUrl}/api/data-deletion/${code}`, confirmation_code: code };
      },
    );

    app.get(
      '/api/data-deletion/:code',
      {
        config: { access: 'public' },
        schema: {
          operationId: 'getDataDeletion',
          summary: 'The state of a data deletion, by its code',
          tags,
          params: Code,
          response: {
            200: jsonOrHtml(
              'The state of the deletion.',
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
        // The platform shows the URL to the creator; programs accept anything, or JSON.
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
  };

/** Disconnects the accounts and deletes the creator's stored data, all or nothing. */
async function deleteData(
  deps: Deps,
  request: FastifyRequest,
  provider: string,
  accounts: readonly Account[],
  code: string,
): Promise<void> {
  await deps.database.db.transaction(async (tx) => {
    for (const account of accounts) {
      await deactivate(tx, account.id, { status: 'disconnected', reason: 'data_deletion' });
      await wipeTokens(tx, account.id);
      await forgetCreator(tx, account);
      await audit(tx, {
        actor: provider,
        userId: account.userId,
        ip: request.ip,
        action: 'account.disconnected',
        subject: account.id,
        details: { reason: 'data_deletion' },
      });
    }
    await insertDeletion(tx, { code, provider, accounts: accounts.length, completedAt: new Date() });
  });
  for (const account of accounts)
    await tell(deps.temporal, request.log, `keepTokenFresh of ${account.id}`, () =>
      signalDisconnect(deps.temporal, account),
    );
}
