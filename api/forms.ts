import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FORM } from './content-types.ts';

const FORM_BYTES = 20_000;

/** Has the routes of this scope take forms. */
export function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    FORM,
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    async (_request: unknown, body: string) => Object.fromEntries(new URLSearchParams(body)),
  );
}

/**
 * Where a browser says that a form comes from. `unsaid`: `null`, as old browsers send it from pages without a referrer.
 * Each browser names an origin with a form; what names none is a program. The public URL counts, not `Host`, which a proxy
 * may change.
 */
export function formOrigin({ headers }: FastifyRequest, publicUrl: string): 'ours' | 'foreign' | 'unsaid' {
  const own = new URL(publicUrl).origin;
  const { origin = own, 'sec-fetch-site': site } = headers;
  if (site !== undefined) return site === 'same-origin' ? 'ours' : 'foreign';
  if (origin === 'null') return 'unsaid';
  return origin === own ? 'ours' : 'foreign';
}
