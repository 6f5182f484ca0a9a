import { type Client, isGrpcServiceError, ServiceError } from '@temporalio/client';
import pTimeout from 'p-timeout';
import { NamespaceMissing, NamespaceTaken } from '../temporal/namespace.ts';
import { DatabaseUnreachable } from '../db/connections.ts';
import { ApiError, apiError } from './errors.ts';

/** How long the API waits for PostgreSQL or Temporal before it reports them as down. */
const PATIENCE_MS = 2_000;

/** Whether a query failed because the database was unreachable or too slow, not because of the query. */
export function isDatabaseAway(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (
      cause instanceof DatabaseUnreachable ||
      (cause instanceof ApiError && cause.code === 'database_unavailable')
    )
      return true;
  return false;
}

/**
 * gRPC: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE; UNKNOWN and INTERNAL if it dies in the middle.
 */
const NOT_THERE = new Set([1, 2, 4, 8, 13, 14]);

/** Whether a call failed because the Temporal server was unreachable or too slow. */
export function isTemporalAway(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return NOT_THERE.has(cause.code);
    if (cause instanceof ServiceError && cause.cause === undefined) return true;
    // A namespace of another installation is as good as none.
    if (cause instanceof NamespaceTaken || cause instanceof NamespaceMissing) return true;
  }
  return false;
}

/** gRPC: PERMISSION_DENIED, UNAUTHENTICATED. */
const REFUSALS = new Set([7, 16]);

/** Whether the Temporal server denies us access. */
export function isTemporalRefusal(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (isGrpcServiceError(cause)) return REFUSALS.has(cause.code);
  return false;
}

/**
 * The promise's own outcome, if it comes in time. The work itself is not stopped.
 * @throws ApiError `database_unavailable`, or another one
 */
export function soon<T>(
  work: Promise<T>,
  code: 'database_unavailable' | 'temporal_unavailable' = 'database_unavailable',
  ms = PATIENCE_MS,
): Promise<T> {
  return pTimeout(work, {
    milliseconds: ms,
    fallback: () => {
      throw apiError(code);
    },
  });
}

/**
 * A call of the Temporal server. The client checks its own deadline only between retries, which is too late for a
 * caller.
 */
export function soonFromTemporal<T>(client: Client, call: () => Promise<T>, ms = PATIENCE_MS): Promise<T> {
  return soon(client.withDeadline(Date.now() + ms, call), 'temporal_unavailable', ms);
}
