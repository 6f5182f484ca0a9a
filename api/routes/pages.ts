import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { sha256Hex } from '../../crypto/signatures.ts';
import { accountNames, findResult } from '../../db/connect.ts';
import { failedAttempt, failurePage, successPage } from '../connect-pages.ts';
import { onceMore } from '../connect-attempt.ts';
import { failureIn, RESULTS_PATH } from '../connect-results.ts';
import type { Deps } from '../deps.ts';
import { type Page, showPage, STYLE, STYLE_PATH } from '../pages.ts';
import { html, refusalsOrPages } from '../schemas.ts';

const Token = Type.Object({ token: Type.String({ minLength: 1, maxLength: 200 }) });
const NOT_FOUND: Page = {
  title: 'Not found',
  body: '<p>This page does not exist, or is no longer available.</p>',
};

/** Pages that are not part of the API, and their style sheet. */
export const pageRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

    app.get(
      STYLE_PATH,
      { config: { access: 'public', rateLimit: false }, schema: { hide: true } },
      async (_request, reply) =>
        reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(STYLE),
    );

    const { siteVerification } = deps.config;
    if (siteVerification !== null)
      app.get(
        `/${siteVerification.name}`,
        { config: { access: 'public' }, schema: { hide: true } },
        async (_request, reply) => reply.type('text/plain; charset=utf-8').send(siteVerification.content),
      );

    app.get(
      `${RESULTS_PATH}/:token`,
      {
        config: { access: 'public', failurePage: 'Not shown' },
        schema: {
          operationId: 'showConnected',
          summary: 'The page with the result of connecting an account',
          description: 'Available for one hour; 400 or 502 if nothing was connected.',
          tags: ['accounts'],
          params: Token,
          response: {
            200: html('The page.'),
            ...refusalsOrPages(404, 502),
          },
        },
      },
      async (request, reply) => {
        const { token } = request.params;
        const ended = await findResult(db, sha256Hex(token));
        if (ended === null) return showPage(reply, 404, NOT_FOUND);
        const { result, provider, method, userId } = ended;
        const failure = failureIn(result);
        if (failure === null) {
          const ids = 'accounts' in result ? result.accounts : [];
          return showPage(reply, 200, successPage(await accountNames(db, userId, ids)));
        }
        const permissions = deps.providers.find(provider, method)?.permissions ?? null;
        const failed = failedAttempt(failure, provider, permissions);
        const mayTry = failed.error.retryable && (await onceMore(deps, request, provider, token)) !== null;
        const again = mayTry ? `../api/auth/${provider}?again=${token}` : null;
        return showPage(reply, failed.error.statusCode, failurePage(failed, again));
      },
    );
  };
