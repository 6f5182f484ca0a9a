import { continueAsNew, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { SyncAccountInput } from '../temporal/contract.ts';
import { syncAsked } from '../temporal/messages.ts';
import { renewToken, syncSlice } from './activity-options.ts';

/** A token that is still refused after so many renewals in one round is left for the next round. */
const MOST_RENEWALS = 3;

/**
 * One round: slices of work until nothing is due. A message during the last slice makes it look again.
 */
export async function syncAccount({ accountId }: SyncAccountInput): Promise<void> {
  let asked = false;
  setHandler(syncAsked, () => {
    asked = true;
  });
  let renewals = 0;
  do {
    asked = false;
    const slice = await syncSlice({ accountId });
    setCurrentDetails(slice.did);
    if (slice.kind === 'token_refused') {
      renewals += 1;
      if (renewals > MOST_RENEWALS) break;
      await renewToken({ accountId, tokenVersion: slice.tokenVersion });
    }
    if (slice.kind === 'done' && !asked) break;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof syncAccount>({ accountId });
  } while (renewals <= MOST_RENEWALS);
}
