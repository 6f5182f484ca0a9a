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
 * Whether another site has made the browser send this form. Browsers say where a form comes from; what says nothing is a
 * program, which has no cookies of a person. The public URL counts, not `Host`, which a proxy may change.
 */
export function isCrossOrigin({ headers }: FastifyRequest, publicUrl: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  return headers.origin !== undefined && headers.origin !== new URL(publicUrl).origin;
}
