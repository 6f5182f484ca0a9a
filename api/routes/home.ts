import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { DOCS } from '../access.ts';
import { type Page, showPage } from '../pages.ts';

const HOME: Page = {
  title: 'API',
  body:
    '<p>This is the API of an Everpost server. It publishes to social platforms; there is nothing to do here in a browser.</p>' +
    `<p>Developers: <a href=".${DOCS}">API reference</a>, <a href="./openapi.json">OpenAPI</a>.<br>` +
    'Operators: <a href="./readyz">readiness</a>, <a href="./metrics">metrics</a>.</p>' +
    '<p>Did someone send you here to connect an account? Ask for the complete link: it is longer than this page’s address.</p>',
};

/** The bare address: a page for browsers, a list of addresses for programs. */
export const homeRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/', { config: { access: 'public' }, schema: { hide: true } }, async (request, reply) => {
    void reply.header('vary', 'accept');
    return request.headers.accept?.includes('text/html')
      ? showPage(reply, 200, HOME)
      : { name: 'Everpost', docs: DOCS, openapi: '/openapi.json', readiness: '/readyz' };
  });
};
