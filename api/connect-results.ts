import type { FastifyRequest } from 'fastify';
import { randomToken, sha256Hex } from '../crypto/signatures.ts';
import { keepResult } from '../db/connect.ts';
import type { StoredResult } from '../db/schema.ts';
import { HOUR } from '../durations.ts';
import type { ConnectFailure, ConnectResult } from './connect.ts';
import type { Deps } from './deps.ts';

/** The pages of results are below it, by a token. */
export const RESULTS_PATH = '/connected';
const SHOWN_MS = HOUR;

/**
 * Stores how an attempt ended, so that the page which shows it can be reloaded.
 * @returns the page's address; null: the attempt has no owner, or the result cannot be stored now
 */
export async function resultAddress(
  { database: { db }, config: { publicUrl } }: Deps,
  request: FastifyRequest,
  result: ConnectResult,
): Promise<string | null> {
  if (result.stateId === null) return null;
  const token = randomToken();
  try {
    await keepResult(db, result.stateId, {
      hash: sha256Hex(token),
      result: stored(result),
      expiresAt: new Date(Date.now() + SHOWN_MS),
    });
  } catch (error) {
    // The attempt is over in any case: the creator sees the result without an address of its own.
    request.log.warn({ err: error }, 'the result of an attempt to connect was not kept');
    return null;
  }
  return `${publicUrl}${RESULTS_PATH}/${token}`;
}

function stored(result: ConnectResult): StoredResult {
  if ('accounts' in result) return { accounts: result.accounts.map(({ id }) => id) };
  const { failure } = result;
  return {
    code: failure.code,
    ...('scopes' in failure ? { scopes: failure.scopes } : {}),
    ...('unavailable' in failure ? { unavailable: failure.unavailable } : {}),
  };
}

/** The failure in a stored result; null: it was a success. */
export function failureIn(result: StoredResult): ConnectFailure | null {
  if ('accounts' in result) return null;
  switch (result.code) {
    case 'missing_scopes':
      return { code: 'missing_scopes', scopes: result.scopes ?? [] };
    case 'provider_error':
      return { code: 'provider_error', unavailable: result.unavailable ?? false, details: {} };
    case 'invalid_link':
    case 'access_denied':
    case 'no_professional_account':
      return { code: result.code };
    default:
      return { code: 'invalid_state' };
  }
}
