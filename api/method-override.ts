import { type IncomingMessage, METHODS } from 'node:http';

/** The address of an upload, whatever its id; a request for another address keeps its method. */
const UPLOAD = /^\/api\/media\/[^/?]+\/upload(?:\?|$)/;

/**
 * Gives a request for an upload the method that X-HTTP-Method-Override names, which tus 1.0 wants for clients behind
 * firewalls that let GET and POST through only. It happens before routing, so that the rights of that method are checked.
 * @returns the request's address, unchanged: Fastify has no earlier place than the one where addresses are rewritten
 */
export function overrideMethod(raw: IncomingMessage): string {
  const url = raw.url ?? '/';
  const wanted = raw.headers['x-http-method-override'];
  if (typeof wanted !== 'string' || !UPLOAD.test(url)) return url;
  const method = wanted.trim().toUpperCase();
  // What is no method of HTTP is answered like a method that uploads do not have.
  raw.method = METHODS.includes(method) ? method : 'TRACE';
  return url;
}
