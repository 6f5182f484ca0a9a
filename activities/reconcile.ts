import { type Attempt, countEnds, listAttempts, madeByOthers, requestsInDoubt } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { saveSettlement } from '../db/settlements.ts';
import { stepsBefore } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { DAY, HOUR } from '../durations.ts';
import { recordAccepted } from './accepted.ts';
import { openPost } from './open-post.ts';
import { learnQuota } from './quota-turns.ts';
import type { LoadedPost } from './loaded-post.ts';
import { tryNumber } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import { pauseAfter } from './refusal.ts';
import { makeAgain } from './make-again.ts';
import { closeOwnAttempt } from './own-attempt.ts';
import { showReason } from './waiting.ts';

/** A live post is usually listed within seconds. The workflow does longer pauses, which an event can end. */
const QUICK_LOOKS = 4;
const LOOK_AGAIN_MS = 30_000;

/**
 * Determines the outcome of a write whose answer was lost, if the provider has a way to look it up; otherwise only an
 * event can tell.
 * @returns `again` if the provider itself says that nothing happened
 */
export async function reconcile(
  deps: Deps,
  loaded: LoadedPost,
  step: string,
  lost: Attempt,
  signal: AbortSignal,
): Promise<StepOutcome | 'again'> {
  const { db } = deps;
  const { post } = loaded;
  await savePost(db, post.id, { state: 'processing', phase: 'reconciling' });
  const { lookUp } = loaded.publishing;
  if (lookUp === undefined) return { kind: 'unknown' };
  const first = (await listAttempts(db, post.id)).findLast((attempt) => attempt.step === step) ?? lost;
  if (lost.createdAt.getTime() < Date.now() - DAY)
    return { kind: 'given_up', why: `nothing tells whether ${step} happened` };
  const access = await openPost(deps, loaded, signal, 'processing');
  if ('blocked' in access) return showReason(deps, post.id, access.blocked, access.why);
  try {
    // An earlier try may have been the one that was carried out.
    const found = await lookUp(step, access.context, {
      code: lost.errorCode,
      at: first.createdAt,
      others: await madeByOthers(db, post, new Date(first.createdAt.getTime() - HOUR)),
      rivals: await requestsInDoubt(db, post, new Date(first.createdAt.getTime() - DAY)),
    });
    switch (found.kind) {
      case 'happened':
        return await recordAccepted(deps, {
          loaded,
          step,
          attempt: lost,
          from: 'unknown',
          written: found.written,
          context: access.context,
        });
      case 'nothing':
        return await notPerformed(deps, loaded, lost, found.error);
      case 'refused': {
        const refusal = { status: 'rejected', errorCode: found.error.code } as const;
        await closeOwnAttempt(db, lost.id, 'unknown', refusal);
        const error = postError(found.error);
        return {
          kind: 'settled',
          state: (await saveSettlement(db, post.id, { state: 'failed', error })).state,
        };
      }
      case 'unseen':
        if (tryNumber() < QUICK_LOOKS) throw notYet('Reconciling', `${step} is not seen yet`);
        return { kind: 'unknown', again: LOOK_AGAIN_MS };
      case 'nobody':
        return { kind: 'unknown' };
      case 'open':
        throw notYet('Reconciling', `whether ${step} happened is not known yet`);
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'token') return { kind: 'token_refused', tokenVersion: loaded.account.tokenVersion };
    await learnQuota(deps, loaded, error);
    throw tryAgain(error);
  }
}

/**
 * Nothing happened: the write is repeated, the first time at once.
 * @param error the provider's error, if it limits the number of tries
 */
async function notPerformed(
  deps: Deps,
  loaded: LoadedPost,
  { id, step }: Attempt,
  error?: ProviderError,
): Promise<StepOutcome | 'again'> {
  const { db } = deps;
  const { id: postId, plan } = loaded.post;
  const errorCode = 'not_performed';
  await closeOwnAttempt(db, id, 'unknown', { status: 'rejected', errorCode });
  const times = await countEnds(db, postId, { step, errorCode, uses: stepsBefore(plan, step) });
  if (error !== undefined && times >= error.tries)
    return makeAgain(deps, loaded, { steps: error.steps, status: error.code, error });
  if (times === 1) return 'again';
  return { kind: 'repeat', step, ms: pauseAfter(times), why: `${step} did not happen` };
}
