import { sweepOnce } from './activity-options.ts';
import type { Swept } from '../temporal/contract.ts';

/**
 * Reconciles the database and the workflows. Runs every minute (a Schedule that the worker creates); the result counts
 * the repairs.
 */
export async function sweep(): Promise<Swept> {
  return sweepOnce();
}
