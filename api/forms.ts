import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FORM } from './content-types.ts';

const FORM_BYTES = 20_000;

/** Makes the routes of this scope accept forms. */
export function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    FORM,
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    async (_request: unknown, body: string) => Object.fromEntries(new URLSearchParams(body)),
  );
}

/**
 * Where a form comes from, according to the browser. `unsaid`: `null`, which old browsers send from pages without a
 * referrer. Every browser names an origin with a form, so a request without one comes from a program. The public URL
 * counts, not `Host`, which a proxy may change.
 */
export function formOrigin({ headers }: FastifyRequest, publicUrl: string): 'ours' | 'foreign' | 'unsaid' {
  const own = new URL(publicUrl).origin;
  const { origin = own, 'sec-fetch-site': site } = headers;
  if (site !== undefined) return site === 'same-origin' ? 'ours' : 'foreign';
  if (origin === 'null') return 'unsaid';
  return origin === own ? 'ours' : 'foreign';
}
