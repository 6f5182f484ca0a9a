import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { parseJson } from '../../providers/http.ts';
import { actorOf, noted } from '../access.ts';
import {
  askerOf,
  AttemptForm,
  attemptOf,
  AttemptQuery,
  type AttemptSource,
  onceMore,
} from '../connect-attempt.ts';
import { browserHalf, giveBrowserHalf, isProven, proofOf } from '../connect-cookie.ts';
import { failedAttempt, failurePage, landingPage } from '../connect-pages.ts';
import {
  type Attempt,
  beginConnect,
  type ConnectFailure,
  type ConnectResult,
  finishConnect,
} from '../connect.ts';
import { resultAddress } from '../connect-results.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { bodyOf } from '../failures.ts';
import { acceptForms, formOrigin } from '../forms.ts';
import { showPage, wantsJson } from '../pages.ts';
import { policySource } from '../urls.ts';
import { html, ProviderPath, refusalOrPage, refusalsOrPages } from '../schemas.ts';
import type { Provider } from '../../providers/provider.ts';

/** As long as an address that Node.js reads at all: a creator who comes back is not refused for what a provider adds. */
const Parameter = Type.String({ maxLength: 16_384 });
/** Providers add parameters of their own. */
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
const redirect = (description: string) => Type.Null({ description });

/** Where the provider answers for longer than the others. */
const CALLBACK_MS = 40_000;

/** OAuth: a creator's browser is asked, goes to the provider's consent page, and comes back. */
export const authRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { publicUrl } = deps.config;
    acceptForms(app);

    app.get(
      '/api/auth/:provider',
      {
        config: { access: 'optional', failurePage: 'Not connected' },
        schema: {
          operationId: 'askToConnect',
          summary: 'The page that says who asks the creator for what',
          description: 'It begins nothing. Its form is the only way to the provider’s consent page.',
          tags: ['accounts'],
          params: ProviderPath,
          querystring: AttemptQuery,
          response: {
            200: html('The page.'),
            default: refusalOrPage,
            ...refusalsOrPages(404),
          },
        },
      },
      async (request, reply) => {
        const found = await find(request, request.query);
        if ('failure' in found) return failed(request, reply, found.failure);
        const { provider, attempt } = found;
        const { link = null, again = null } = request.query;
        const half = giveBrowserHalf(request, reply, publicUrl);
        const page = landingPage({
          provider: provider.name,
          permissions: provider.permissions,
          asker: await askerOf(deps, attempt),
          fields: { link, again, method: provider.method ?? null, proof: proofOf(half) },
        });
        // From the consent page the browser is sent on to the client, without a stop.
        const { returnTo } = attempt;
        return showPage(reply, 200, page, returnTo === null ? [] : [policySource(returnTo)]);
      },
    );

    app.post(
      '/api/auth/:provider',
      {
        config: { access: 'optional', failurePage: 'Not connected' },
        handlerTimeout: CALLBACK_MS,
        // A client with a key has nothing to add.
        preValidation: async (request) => {
          request.body ??= {};
        },
        schema: {
          operationId: 'startConnect',
          summary: 'Go to the provider’s consent page',
          description:
            'The form of the page, with its hidden fields. The answer sets a cookie, without which the callback takes nothing: a script needs a cookie jar.',
          tags: ['accounts'],
          params: ProviderPath,
          consumes: ['application/x-www-form-urlencoded'],
          body: AttemptForm,
          response: {
            303: redirect('To the provider’s consent page.'),
            default: refusalOrPage,
            ...refusalsOrPages(404, 415, 502),
          },
        },
      },
      async (request, reply) => {
        const { proof, ...source } = request.body;
        const again = `${request.params.provider}?${new URLSearchParams(source).toString()}`;
        // A key is sent by a program on purpose; everything else may be a form of another site.
        if (request.caller.kind !== 'key') {
          const origin = formOrigin(request, publicUrl);
          if (origin === 'foreign') return failed(request, reply, { code: 'cross_origin' }, again);
          if (origin === 'unsaid' && !isProven(browserHalf(request, publicUrl), proof))
            return failed(request, reply, { code: 'cookie_missing' }, again);
        }
        const found = await find(request, source);
        if ('failure' in found) return failed(request, reply, found.failure);
        const { provider, attempt } = found;
        const half = giveBrowserHalf(request, reply, publicUrl);
        const url = await beginConnect(deps, provider, attempt, half);
        if (typeof url !== 'string') return failed(request, reply, url, again);
        await noted(request, deps.database.db, {
          ...actorOf(request),
          userId: attempt.userId,
          action: 'connect.started',
          subject: provider.name,
        });
        return leave(reply).redirect(url, 303);
      },
    );

    app.get(
      '/api/auth/:provider/callback',
      {
        config: { access: 'public', failurePage: 'Not connected' },
        preValidation: cleanQuery,
        handlerTimeout: CALLBACK_MS,
        schema: {
          operationId: 'finishConnect',
          summary: 'Where the provider sends the creator’s browser back to',
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
        if (result.returnTo !== null) return leave(reply).redirect(back(result.returnTo, result), 302);
        if (!wantsJson(request)) {
          const address = await resultAddress(deps, request, result);
          if (address !== null) return leave(reply).redirect(address, 303);
        }
        if ('failure' in result) {
          const { earlierId = null } = result;
          const mayTry =
            earlierId !== null && (await onceMore(deps, request, provider.name, earlierId)) !== null;
          const again = mayTry ? `../${provider.name}?again=${earlierId}` : null;
          return failed(request, reply, result.failure, again);
        }
        return leave(reply).send({ accounts: result.accounts.map(({ id }) => ({ id })) });
      },
    );

    /** The attempt that a request is about. @throws ApiError where there is no such provider */
    async function find(
      request: FastifyRequest<{ Params: Static<typeof ProviderPath> }>,
      source: Static<typeof AttemptSource>,
    ): Promise<{ provider: Provider; attempt: Attempt } | { failure: ConnectFailure }> {
      const { provider: name } = request.params;
      if (deps.providers.find(name) === null) throw apiError('provider_not_configured');
      const attempt = await attemptOf(deps, request, name, source);
      if (attempt === null) return { failure: { code: 'invalid_link' } };
      const provider = deps.providers.find(name, attempt.method);
      if (provider === null) throw apiError('provider_not_configured');
      return { provider, attempt };
    }

    function failed(
      request: FastifyRequest<{ Params: Static<typeof ProviderPath> }>,
      reply: FastifyReply,
      failure: ConnectFailure,
      again: string | null = null,
    ): FastifyReply {
      const name = request.params.provider;
      const told = failedAttempt(failure, name, deps.providers.find(name)?.permissions ?? null);
      const { error } = told;
      if (wantsJson(request)) return leave(reply).code(error.statusCode).send(bodyOf(error, request));
      return showPage(reply, error.statusCode, failurePage(told, error.retryable ? again : null));
    }
  };

/** The code is spent by now, or will be: what a provider adds to it is cleaned, not refused. */
async function cleanQuery(request: FastifyRequest): Promise<void> {
  request.query = parseJson(JSON.stringify(request.query));
}

/** No cache keeps the answer, and the next page is not told where the browser comes from. */
function leave(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
}

/** The creator's way back, with what came of it. */
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
