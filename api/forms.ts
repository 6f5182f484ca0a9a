import type { FastifyInstance, FastifyRequest } from 'fastify';

const FORM_BYTES = 20_000;

/** Has the routes of this scope take forms. */
export function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    async (_request: unknown, body: string) => Object.fromEntries(new URLSearchParams(body)),
  );
}

/**
 * Whether the browser says that another site has sent this form. Old browsers, and pages without a referrer, say nothing
 * or `null`: api/connect-cookie.ts decides then. The public URL counts, not `Host`, which a proxy may change.
 */
export function isCrossOrigin({ headers }: FastifyRequest, publicUrl: string): boolean {
  const { origin = 'null', 'sec-fetch-site': site } = headers;
  if (site !== undefined) return site !== 'same-origin';
  return origin !== 'null' && origin !== new URL(publicUrl).origin;
}
