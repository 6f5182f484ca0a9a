import { ActivityFailure, setCurrentDetails, setHandler, sleep } from '@temporalio/workflow';
import type { PostError } from '../db/schema.ts';
import type { DeletePostInput, DeletionOutcome } from '../temporal/contract.ts';
import { beginDeletion, deletePiece, renewToken, settleDeletion } from './activity-options.ts';
import { deletionAsked } from '../temporal/messages.ts';

/** Deletes the live parts of one post, one by one; waits for quota and token. The post's row holds the result. */
export async function deletePost({ postId, accountId }: DeletePostInput): Promise<void> {
  // Set again by a request that arrives while a refusal is being recorded: then it tries again.
  let asked = true;
  setHandler(deletionAsked, () => {
    asked = true;
  });
  while (asked) {
    asked = false;
    const begun = await patiently(() => beginDeletion({ postId }));
    if (begun.kind === 'done') continue;
    await settleDeletion({
      postId,
      error: begun.kind === 'ready' ? await deleteAll(begun.ids) : begun.error,
    });
  }

  /** @returns why parts remain; null if everything is deleted */
  async function deleteAll(ids: readonly string[]): Promise<PostError | null> {
    for (const id of ids) {
      setCurrentDetails(`Deletes ${id}`);
      const outcome = await patiently((renewed) => deletePiece({ postId, id, renewed }));
      if (outcome.kind === 'refused') return outcome.error;
    }
    return null;
  }

  /** Repeats a call after each wait that it asks for. @param call receives whether the token was just renewed */
  async function patiently(
    call: (renewed: boolean) => Promise<DeletionOutcome>,
  ): Promise<Extract<DeletionOutcome, { kind: 'ready' | 'done' | 'refused' }>> {
    let renewed = false;
    for (;;) {
      const outcome = await call(renewed).catch(givenUp);
      switch (outcome.kind) {
        case 'wait':
          setCurrentDetails(outcome.why);
          await sleep(outcome.ms, { summary: outcome.why });
          renewed = false;
          break;
        case 'token_refused':
          await renewToken({ accountId, tokenVersion: outcome.tokenVersion });
          renewed = true;
          break;
        default:
          return outcome;
      }
    }
  }
}

/** Turns an activity's timeout into a refusal. */
function givenUp(error: unknown): DeletionOutcome {
  if (!(error instanceof ActivityFailure)) throw error;
  return {
    kind: 'refused',
    error: {
      code: 'given_up',
      message: error.cause?.message ?? error.message,
      userMessage:
        'The platform did not delete the post in time. Delete it in the platform’s app, or try again.',
      retryable: true,
      details: {},
    },
  };
}
