import { sweepOnce } from './activity-options.ts';
import type { Swept } from '../temporal/contract.ts';

/** Makes database and workflows agree. Runs every minute (a Schedule that the worker creates); the result counts what was repaired. */
export async function sweep(): Promise<Swept> {
  return sweepOnce();
}
