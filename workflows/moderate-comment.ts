import { setCurrentDetails, sleep } from '@temporalio/workflow';
import type { ModerateCommentInput } from '../temporal/contract.ts';
import { performAction, renewToken } from './activity-options.ts';

/** Performs one action on a comment; waits for the provider and the token. The action's row holds the result. */
export async function moderateComment({ actionId, accountId }: ModerateCommentInput): Promise<string> {
  let renewed = false;
  for (;;) {
    const outcome = await performAction({ actionId, renewed });
    switch (outcome.kind) {
      case 'ended':
        return outcome.state;
      case 'wait':
        setCurrentDetails(outcome.why);
        await sleep(outcome.ms, { summary: outcome.why });
        renewed = false;
        break;
      case 'token_refused':
        await renewToken({ accountId, tokenVersion: outcome.tokenVersion });
        renewed = true;
        break;
    }
  }
}
