import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { sha256Hex } from '../../crypto/signatures.ts';
import { findOpenLink } from '../../db/connect.ts';
import { parseJson } from '../../providers/http.ts';
import { actorOf, noted } from '../access.ts';
import {
  type Attempt,
  beginConnect,
  type ConnectFailure,
  type ConnectResult,
  finishConnect,
} from '../connect.ts';
import type { Deps } from '../deps.ts';
import { type ApiError, apiError } from '../errors.ts';
import { bodyOf } from '../failures.ts';
import { connectError, failurePage, showPage, successPage } from '../pages.ts';
import { ErrorBody, Method, ProviderPath, ref, refusals } from '../schemas.ts';

const StartQuery = Type.Object(
  {
    link: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'The token of a connect link; a key in Authorization does as well.',
      }),
    ),
    method: Type.Optional(Method),
  },
  { additionalProperties: false },
);
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
const Redirect = Type.Null({
  description: 'To the provider’s consent page, or back to `returnTo` with `account=<id>` or `error=<code>`.',
});
const Connected = Type.Object(
  { accounts: Type.Array(Type.Object({ id: Type.String() })) },
  { description: 'Connected; a page where the browser wants HTML.' },
);

/** Where the provider answers for longer than the others. */
const CALLBACK_MS = 40_000;

/** OAuth: a creator's browser goes to the provider's consent page and comes back. */
export const authRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

    app.get(
      '/api/auth/:provider',
      {
        config: { access: 'optional' },
        handlerTimeout: CALLBACK_MS,
        schema: {
          operationId: 'startConnect',
          summary: 'Go to the provider’s consent page',
          tags: ['accounts'],
          params: ProviderPath,
          querystring: StartQuery,
          response: { 302: Redirect, default: ref(ErrorBody), ...refusals(404) },
        },
      },
      async (request, reply) => {
        const { provider: name } = request.params;
        if (deps.providers.find(name) === null) throw apiError('provider_not_configured');
        const attempt = await attemptOf(request, name, request.query);
        if (attempt === null) return failed(request, reply, name, { code: 'invalid_link' });
        const provider = deps.providers.find(name, attempt.method);
        if (provider === null) throw apiError('provider_not_configured');
        const url = await beginConnect(deps, provider, attempt);
        if (typeof url !== 'string') return failed(request, reply, name, url);
        await noted(request, db, {
          ...actorOf(request),
          userId: attempt.userId,
          action: 'connect.started',
          subject: name,
        });
        return reply
          .header('cache-control', 'no-store')
          .header('referrer-policy', 'no-referrer')
          .redirect(url, 302);
      },
    );

    app.get(
      '/api/auth/:provider/callback',
      {
        config: { access: 'public' },
        preValidation: cleanQuery,
        handlerTimeout: CALLBACK_MS,
        schema: {
          operationId: 'finishConnect',
          summary: 'Where the provider sends the creator’s browser back to',
          tags: ['accounts'],
          params: ProviderPath,
          querystring: CallbackQuery,
          response: { 200: Connected, 302: Redirect, ...refusals(404, 502) },
        },
      },
      async (request, reply) => {
        const provider = deps.providers.find(request.params.provider);
        if (provider === null) throw apiError('provider_not_configured');
        const result = await finishConnect(deps, request, provider.name, request.query);
        void reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
        if (result.returnTo !== null) return reply.redirect(back(result.returnTo, result), 302);
        if ('failure' in result) return failed(request, reply, provider.name, result.failure);
        if (wantsJson(request)) return reply.send({ accounts: result.accounts.map(({ id }) => ({ id })) });
        return showPage(reply, 200, successPage(result.accounts));
      },
    );

    /** The attempt that a link or a key stands for. @returns null when the link is no good */
    async function attemptOf(
      request: FastifyRequest,
      provider: string,
      { link: token, method }: Static<typeof StartQuery>,
    ): Promise<(Attempt & { method: string | null }) | null> {
      if (token === undefined) {
        if (request.caller.kind !== 'key') throw apiError('unauthenticated');
        if (!request.caller.scopes.includes('accounts:write'))
          throw apiError('insufficient_scope', { details: { scope: 'accounts:write' } });
        return { userId: request.caller.userId, returnTo: null, connectLinkId: null, method: method ?? null };
      }
      const link = await findOpenLink(db, provider, sha256Hex(token));
      if (link !== null) {
        const { userId, returnTo } = link;
        return { userId, returnTo, connectLinkId: link.id, method: link.method };
      }
      await noted(request, db, {
        ...actorOf(request),
        action: 'connect.refused',
        subject: provider,
        details: { code: 'invalid_link' },
      });
      return null;
    }
  };

/** The code is spent by now, or will be: what a provider adds to it is cleaned, not refused. */
async function cleanQuery(request: FastifyRequest): Promise<void> {
  request.query = parseJson(JSON.stringify(request.query));
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

function failed(
  request: FastifyRequest,
  reply: FastifyReply,
  provider: string,
  failure: ConnectFailure,
): FastifyReply {
  const error: ApiError = connectError(failure, provider);
  if (wantsJson(request)) return reply.code(error.statusCode).send(bodyOf(error, request));
  return showPage(reply, error.statusCode, failurePage(error));
}

/** A browser names text/html first; scripts name JSON or nothing in particular. */
function wantsJson({ headers: { accept = '*/*' } }: FastifyRequest): boolean {
  const html = accept.indexOf('text/html');
  const json = accept.indexOf('application/json');
  return json >= 0 ? html < 0 || json < html : false;
}
