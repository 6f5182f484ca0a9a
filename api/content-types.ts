import type { FastifyRequest } from 'fastify';
import { type ApiError, apiError } from './errors.ts';

/** The content type of upload bytes. */
export const OCTETS = 'application/offset+octet-stream';
export const FORM = 'application/x-www-form-urlencoded';

/** The refusal of a body with another type; it names the right one. */
export function wrongContentType({ server, routeOptions }: FastifyRequest): ApiError {
  const type =
    [OCTETS, FORM].find((special) => server.hasContentTypeParser(special)) ??
    (routeOptions.schema?.body === undefined ? null : 'application/json');
  const send = type === null ? 'send no body' : `send content-type: ${type}`;
  return apiError('unsupported_media_type', {
    message: `this route does not accept this content type: ${send}`,
  });
}
