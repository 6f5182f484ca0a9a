import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type Account, accountsOf } from '../db/accounts.ts';
import { accountsOfLogin } from '../db/logins.ts';
import type { Provider, Teller } from '../providers/provider.ts';
import { refusedCaller } from './access.ts';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';

/* A platform's callbacks about a creator, signed with the app's secret. */

/** A form with one field. */
export const SignedBody = Type.Object({ signed_request: Type.String({ maxLength: 10_000 }) });
export const SIGNED_AS = ['application/x-www-form-urlencoded'];

/** One that tells nothing has no addresses here. @throws ApiError `provider_not_configured` */
export function tellerOf({ providers }: Deps, name: string): Teller {
  const provider = providers.find(name);
  if (provider === null || !tells(provider)) throw apiError('provider_not_configured');
  return provider;
}

const tells = (provider: Provider): provider is Teller => provider.webhooks !== undefined;

/** The accounts that a signed callback is about. @throws ApiError `callback_not_supported`, `invalid_signature` */
export async function readSigned(
  deps: Deps,
  request: FastifyRequest<{ Params: { provider: string }; Body: { signed_request: string } }>,
): Promise<{ provider: Provider; accounts: Account[]; at: Date }> {
  const provider = tellerOf(deps, request.params.provider);
  if (provider.webhooks.signedUser === undefined) throw apiError('callback_not_supported');
  const signed = provider.webhooks.signedUser(request.body.signed_request, new Date());
  if (signed === null) throw await refusedCaller(deps, request, provider.name, 'invalid_signature');
  const { db } = deps.database;
  const accounts = new Map(
    [
      ...(await accountsOf(db, provider.name, signed.user)),
      ...(await accountsOfLogin(db, provider.name, signed.user)),
    ].map((account) => [account.id, account]),
  );
  // A newer consent is another one: neither a late nor a repeated callback ends it.
  const meant = [...accounts.values()].filter(({ connectedAt }) => wholeSeconds(connectedAt) <= signed.at);
  return { provider, accounts: meant, at: signed.at };
}

/** Providers send whole seconds. */
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
