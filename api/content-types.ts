import type { FastifyRequest } from 'fastify';
import { type ApiError, apiError } from './errors.ts';

/** What bytes of an upload are sent as. */
export const OCTETS = 'application/offset+octet-stream';
export const FORM = 'application/x-www-form-urlencoded';

/** The refusal of a body of another type, which says what the route takes. */
export function wrongContentType({ server, routeOptions }: FastifyRequest): ApiError {
  const type =
    [OCTETS, FORM].find((special) => server.hasContentTypeParser(special)) ??
    (routeOptions.schema?.body === undefined ? null : 'application/json');
  const send = type === null ? 'send no body' : `send content-type: ${type}`;
  return apiError('unsupported_media_type', {
    message: `the content type is not one that this route takes: ${send}`,
  });
}
