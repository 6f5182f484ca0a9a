import { startDueSyncs } from './activity-options.ts';

/** Starts sync for the accounts that have something due. Runs every minute (a Schedule that the worker creates). */
export async function syncDue(): Promise<number> {
  return startDueSyncs();
}
