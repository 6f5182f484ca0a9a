import { startUnstarted } from './activity-options.ts';
import type { Swept } from '../activities/sweep.ts';

/** Starts what was committed but never started. Runs every minute (a Schedule that the worker creates). */
export async function sweep(): Promise<Swept> {
  return startUnstarted();
}
