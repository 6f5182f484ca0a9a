import { type Attempt, type AttemptOutcome, countEnds, listAttempts } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { saveSettlement } from '../db/settlements.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { Quota } from '../providers/quotas.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { HOUR } from '../durations.ts';
import { learnQuota } from './quota-turns.ts';
import type { LoadedPost } from './loaded-post.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import { makeAgain } from './make-again.ts';
import { endOwnAttempt } from './own-attempt.ts';
import { waitForQuota, waitForCreator, showWait } from './waiting.ts';
import { accountRefused, providerAway } from './waiting-reasons.ts';

/** A write in progress. */
export interface Write {
  loaded: LoadedPost;
  step: string;
  attempt: Attempt;
  quotas: readonly Quota[];
  lost: 'repeat' | 'reconcile';
}

/** Records a refusal. @returns what it means for the post */
export async function applyRefusal(
  deps: Deps,
  write: Write,
  from: 'prepared' | 'sent',
  error: ProviderError,
): Promise<StepOutcome> {
  const {
    loaded: { post, account },
    attempt,
    quotas,
  } = write;
  const { db } = deps;
  const errorCode = error.providerCode ?? error.code;
  const outcome: AttemptOutcome = {
    status: error.kind === 'unknown' ? 'unknown' : 'rejected',
    errorCode,
    errorMessage: error.message,
    logId: error.logId,
  };
  const unused = quotas.filter(({ counts }) => !wasCounted(counts, from, error));
  await endOwnAttempt(db, attempt, from, outcome, unused);

  switch (error.kind) {
    case 'token': {
      if (!(await wasRefusedBefore(deps, write, errorCode)))
        return { kind: 'token_refused', tokenVersion: account.tokenVersion };
      // A fresh token is refused like the previous one: the cause may be the inputs of the write.
      return error.steps.length > 0
        ? makeAgain(deps, write.loaded, { steps: error.steps, status: error.code, error })
        : showWait(deps, post, waitForCreator(error), accountRefused(write.loaded, error));
    }
    case 'grant':
    case 'account':
      return showWait(deps, post, waitForCreator(error), accountRefused(write.loaded, error));
    case 'quota':
      return waitForQuota(deps, write.loaded, await learnQuota(deps, write.loaded, error), error);
    case 'rejected': {
      const { state } = await saveSettlement(db, post.id, {
        state: 'failed',
        status: null,
        error: postError(error),
      });
      return { kind: 'settled', state };
    }
    case 'gone':
      return makeAgain(deps, write.loaded, { steps: error.steps, status: error.code, error });
    case 'unavailable':
      if ((await triesOf(deps, write, errorCode, error.steps)) >= error.tries) {
        if (error.steps.length > 0)
          return makeAgain(deps, write.loaded, { steps: error.steps, status: error.code, error });
        const end = { state: 'failed', error: postError(error) } as const;
        return { kind: 'settled', state: (await saveSettlement(db, post.id, end)).state };
      }
      await savePost(db, post.id, { waiting: providerAway(error) });
      if (post.deadlineAt.getTime() > Date.now()) throw tryAgain(error);
      return { kind: 'repeat', step: write.step, ms: 0, why: error.message };
    case 'unknown':
      if (write.lost === 'reconcile') {
        await savePost(db, post.id, { state: 'processing', phase: 'reconciling' });
        if (write.loaded.publishing.lookUp === undefined) return { kind: 'unknown' };
        throw notYet('Reconciling', `the answer of ${write.step} was lost`, 1000);
      }
      return repeatLater(deps, write, error, pauseAfter(await triesOf(deps, write, errorCode)));
  }
}

/** The lost result can never become visible: the write is repeated after a pause, which the post shows. */
async function repeatLater(
  { db }: Deps,
  { loaded: { post }, step }: Write,
  error: ProviderError,
  ms: number,
): Promise<StepOutcome> {
  await savePost(db, post.id, { waiting: providerAway(error, ms) });
  return { kind: 'repeat', step, ms, why: error.message };
}

/**
 * A write that never reached the provider counts nowhere; a refused one counts as a call, and one that may have been
 * carried out as accepted.
 */
function wasCounted(counts: Quota['counts'], from: 'prepared' | 'sent', { kind }: ProviderError): boolean {
  switch (counts) {
    case 'shown':
      return false;
    case 'accepted':
      return kind === 'unknown';
    case 'calls':
      return from === 'sent' && kind !== 'unavailable';
    case 'preflights':
      return from === 'sent' || kind !== 'unavailable';
  }
}

/** How often the write has ended like this. */
function triesOf(
  { db }: Deps,
  { loaded: { post }, step }: Write,
  errorCode: string,
  uses: readonly string[] = [],
): Promise<number> {
  return countEnds(db, post.id, { step, errorCode, uses });
}

const LONGEST_PAUSE_MS = HOUR / 2;

/** How long to wait before a write that has failed this many times: longer with each failure. */
export function pauseAfter(times: number): number {
  return Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** times);
}

/** Whether the previous attempt was refused in the same way with an older token: then a refresh has not helped. */
async function wasRefusedBefore(
  { db }: Deps,
  { loaded: { post, account }, step, attempt }: Write,
  code: string,
): Promise<boolean> {
  const earlier = (await listAttempts(db, post.id)).find((row) => row.step === step && row.id !== attempt.id);
  return earlier?.errorCode === code && (earlier.tokenVersion ?? 0) < account.tokenVersion;
}
