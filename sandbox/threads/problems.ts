import { parseCode, refuseGraph, type GraphError } from '../meta/errors.ts';
import type { Threads } from './context.ts';

/** threads-facts 5. */
export function badParam(message: string): never {
  return refuseGraph({ code: 100, message, type: 'THApiException' });
}

/** Deleted, not yours, or another kind of thing (threads-facts 5). */
export function notFound(id: string): never {
  const message = `Unsupported get request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation`;
  return refuseGraph({ code: 100, subcode: 33, message, type: 'THApiException' });
}

/**
 * Not visible yet; also the answer to a wrong user id in the path, and sometimes to an expired token
 * (threads-facts 11.2 to 11.4).
 */
export function notVisible(): never {
  const message = 'The requested resource does not exist';
  return refuseGraph({ code: 24, subcode: 4_279_009, message, title: 'Media Not Found' });
}

export function notFetched(): never {
  const message = 'The media could not be fetched from this URI.';
  return refuseGraph({ code: 1, subcode: 2_207_052, message });
}

export function denied(what: string): never {
  return refuseGraph({
    code: 10,
    message: `(#10) Application does not have permission for this action: ${what}`,
  });
}

/** Errors with a name; where the name stands is UNCONFIRMED (threads-facts 5). */
export function apiError({ options }: Threads, name: string): never {
  const words = `THREADS_API__${name}`;
  const error: GraphError = { code: 100, message: words, type: 'THApiException' };
  if (options.apiErrorIn === 'title') Object.assign(error, { message: 'Invalid parameter', title: words });
  return refuseGraph(error);
}

export function configuredError(code: string, message: string): never {
  return refuseGraph({ ...parseCode(code), message });
}
