import { type IncomingMessage, METHODS } from 'node:http';

/** An upload's URL, whatever its id; requests for other URLs keep their method. */
const UPLOAD = /^\/api\/media\/[^/?]+\/upload(?:\?|$)/;

/**
 * Applies X-HTTP-Method-Override to requests for an upload, which tus 1.0 requires for clients behind firewalls that
 * allow only GET and POST. This happens before routing, so that the access rules of that method apply.
 * @returns the request's URL, unchanged: rewriting the URL is Fastify's earliest hook
 */
export function overrideMethod(raw: IncomingMessage): string {
  const url = raw.url ?? '/';
  const wanted = raw.headers['x-http-method-override'];
  if (typeof wanted !== 'string' || !UPLOAD.test(url)) return url;
  const method = wanted.trim().toUpperCase();
  // An unknown method is answered like a method that uploads do not support.
  raw.method = METHODS.includes(method) ? method : 'TRACE';
  return url;
}
