import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Provider } from '../../providers/provider.ts';
import { actorOf, noted } from '../access.ts';
import { askerOf, AttemptForm, attemptOf, AttemptQuery, type AttemptSource } from '../connect-attempt.ts';
import { answerFailedAttempt, CONSENT_MS, keepPrivate, redirect } from '../connect-answers.ts';
import { browserHalf, giveBrowserHalf, isProven, proofOf } from '../connect-cookie.ts';
import { landingPage } from '../connect-pages.ts';
import { type Attempt, beginConnect, type ConnectFailure } from '../connect.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { acceptForms, formOrigin } from '../forms.ts';
import { showPage } from '../pages.ts';
import { html, ProviderPath, refusalOrPage, refusalsOrPages } from '../schemas.ts';
import { policySource } from '../urls.ts';

/**
 * OAuth: shows the creator who asks for what, then redirects to the provider's consent page. The browser returns to
 * auth-callback.ts.
 */
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
          summary: 'The page that shows the creator who asks for what',
          description: 'It starts nothing. Its form is the only way to the provider’s consent page.',
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
        const found = await find(deps, request, request.query);
        if ('failure' in found) return answerFailedAttempt(deps, request, reply, found.failure);
        const proof = proofOf(giveBrowserHalf(request, reply, publicUrl));
        const page = await askingPage(deps, found, request.query, proof);
        // The consent page's redirect passes through here on to the client, without a stop.
        const { returnTo } = found.attempt;
        return showPage(reply, 200, page, returnTo === null ? [] : [policySource(returnTo)]);
      },
    );

    app.post(
      '/api/auth/:provider',
      {
        config: { access: 'optional', failurePage: 'Not connected' },
        handlerTimeout: CONSENT_MS,
        // A client with a key has nothing to add.
        preValidation: async (request) => {
          request.body ??= {};
        },
        schema: {
          operationId: 'startConnect',
          summary: 'Go to the provider’s consent page',
          description:
            'The page’s form with its hidden fields. The answer sets a cookie that the callback requires: a script needs a cookie jar.',
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
        const forged = forgeryOf(request, publicUrl, proof);
        if (forged !== null) return answerFailedAttempt(deps, request, reply, { code: forged }, again);
        const found = await find(deps, request, source);
        if ('failure' in found) return answerFailedAttempt(deps, request, reply, found.failure);
        const { provider, attempt } = found;
        const half = giveBrowserHalf(request, reply, publicUrl);
        const url = await beginConnect(deps, provider, attempt, half);
        if (typeof url !== 'string') return answerFailedAttempt(deps, request, reply, url, again);
        await noted(request, deps.database.db, {
          ...actorOf(request),
          userId: attempt.userId,
          action: 'connect.started',
          subject: provider.name,
        });
        return keepPrivate(reply).redirect(url, 303);
      },
    );
  };

interface Found {
  provider: Provider;
  attempt: Attempt;
}

/** The attempt of a request. @throws ApiError if there is no such provider */
async function find(
  deps: Deps,
  request: FastifyRequest<{ Params: Static<typeof ProviderPath> }>,
  source: AttemptSource,
): Promise<Found | { failure: ConnectFailure }> {
  const { provider: name } = request.params;
  if (deps.providers.find(name) === null) throw apiError('provider_not_configured');
  const attempt = await attemptOf(deps, request, name, source);
  if (attempt === null) return { failure: { code: 'invalid_link' } };
  const provider = deps.providers.find(name, attempt.method);
  if (provider === null) throw apiError('provider_not_configured');
  return { provider, attempt };
}

/** The page that shows who asks for what. Its form carries the attempt's parameters. */
async function askingPage(deps: Deps, { provider, attempt }: Found, query: AttemptSource, proof: string) {
  const { name, permissions, method = null } = provider;
  const { link = null, again = null } = query;
  const asker = await askerOf(deps, attempt);
  return landingPage({ provider: name, permissions, asker, fields: { link, again, method, proof } });
}

/** Why a request may be another site's form; null if it is genuine. A request with a key is always intended. */
function forgeryOf(
  request: FastifyRequest,
  publicUrl: string,
  proof: string | undefined,
): 'cross_origin' | 'cookie_missing' | null {
  if (request.caller.kind === 'key') return null;
  const origin = formOrigin(request, publicUrl);
  if (origin === 'foreign') return 'cross_origin';
  return origin === 'unsaid' && !isProven(browserHalf(request, publicUrl), proof) ? 'cookie_missing' : null;
}
