import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import { NamespaceTaken } from '../temporal/namespace.ts';
import { apiError } from './errors.ts';
import { isTemporalAway, soonFromTemporal } from './outage.ts';

/**
 * Notifies Temporal of a change that the database already has. If that fails, the row stays marked as unstarted and the
 * sweep takes over.
 * @param ms how long to wait; default: as long as a caller can wait
 * @returns whether Temporal accepted it
 */
export async function tell(
  client: Client,
  log: FastifyBaseLogger,
  what: string,
  call: () => Promise<unknown>,
  ms?: number,
): Promise<boolean> {
  try {
    await soonFromTemporal(client, call, ms);
    return true;
  } catch (error) {
    log.warn({ err: error }, `${what}: left to the sweep`);
    return false;
  }
}

/**
 * Sends a request to a workflow and waits for its answer.
 * @param ms the worker's time limit, once the server has answered
 * @throws ApiError `temporal_unavailable`, `timeout`
 */
export async function ask<T>(client: Client, call: () => Promise<T>, ms = 10_000): Promise<T> {
  try {
    await soonFromTemporal(client, () => client.workflowService.getSystemInfo({}));
  } catch (error) {
    throw isTemporalAway(error) ? apiError('temporal_unavailable', { cause: error }) : error;
  }
  try {
    return await client.withDeadline(Date.now() + ms, call);
  } catch (error) {
    if (error instanceof NamespaceTaken) throw apiError('temporal_unavailable', { cause: error });
    throw isTemporalAway(error) ? apiError('timeout', { cause: error }) : error;
  }
}
