import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { parseJson } from '../../providers/http.ts';
import { answerFailedAttempt, CONSENT_MS, keepPrivate, redirect } from '../connect-answers.ts';
import { onceMore } from '../connect-attempt.ts';
import { browserHalf } from '../connect-cookie.ts';
import { resultAddress } from '../connect-results.ts';
import { type ConnectResult, finishConnect } from '../connect.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { wantsJson } from '../pages.ts';
import { ProviderPath, refusalsOrPages } from '../schemas.ts';

/** As long as any URL that Node.js accepts: extra parameters of a provider must not turn a creator away. */
const Parameter = Type.String({ maxLength: 16_384 });
/** Providers add their own parameters. */
const CallbackQuery = Type.Object({
  state: Type.Optional(Parameter),
  code: Type.Optional(Parameter),
  error: Type.Optional(Parameter),
  error_reason: Type.Optional(Parameter),
  error_description: Type.Optional(Parameter),
  error_code: Type.Optional(Parameter),
  error_message: Type.Optional(Parameter),
});
const Connected = Type.Object(
  { accounts: Type.Array(Type.Object({ id: Type.String() })) },
  { description: 'Connected, for a client that asks for JSON.' },
);
/** OAuth: the creator's browser returns from the provider's consent page. */
export const authCallbackRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { publicUrl } = deps.config;

    app.get(
      '/api/auth/:provider/callback',
      {
        config: { access: 'public', failurePage: 'Not connected' },
        preValidation: cleanQuery,
        handlerTimeout: CONSENT_MS,
        schema: {
          operationId: 'finishConnect',
          summary: 'Where the provider redirects the creator’s browser',
          tags: ['accounts'],
          params: ProviderPath,
          querystring: CallbackQuery,
          response: {
            200: Connected,
            302: redirect('Back to `returnTo` with `account=<id>` or `error=<code>`.'),
            303: redirect('To the page that shows the result.'),
            ...refusalsOrPages(404, 502),
          },
        },
      },
      async (request, reply) => {
        const provider = deps.providers.find(request.params.provider);
        if (provider === null) throw apiError('provider_not_configured');
        const half = browserHalf(request, publicUrl);
        const result = await finishConnect(deps, request, provider.name, request.query, half);
        if (result.returnTo !== null) return keepPrivate(reply).redirect(back(result.returnTo, result), 302);
        if (!wantsJson(request)) {
          const address = await resultAddress(deps, request, result);
          if (address !== null) return keepPrivate(reply).redirect(address, 303);
        }
        if ('failure' in result) {
          const { earlierId = null } = result;
          const mayTry =
            earlierId !== null && (await onceMore(deps, request, provider.name, earlierId)) !== null;
          const again = mayTry ? `../${provider.name}?again=${earlierId}` : null;
          return answerFailedAttempt(deps, request, reply, result.failure, again);
        }
        return keepPrivate(reply).send({ accounts: result.accounts.map(({ id }) => ({ id })) });
      },
    );
  };

/** The code may be spent already, so odd parameters are cleaned, not refused. */
async function cleanQuery(request: FastifyRequest): Promise<void> {
  request.query = parseJson(JSON.stringify(request.query));
}

/** The client's `returnTo` with the result. */
function back(returnTo: string, result: ConnectResult): string {
  const url = new URL(returnTo);
  if ('accounts' in result) for (const { id } of result.accounts) url.searchParams.append('account', id);
  else {
    url.searchParams.set('error', result.failure.code);
    if (result.failure.code === 'missing_scopes')
      url.searchParams.set('scopes', result.failure.scopes.join(','));
  }
  return url.href;
}
