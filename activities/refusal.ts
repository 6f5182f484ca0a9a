import {
  type Attempt,
  type AttemptOutcome,
  closeAttempt,
  countAttempts,
  listAttempts,
} from '../db/attempts.ts';
import { savePost, settlePost } from '../db/posts.ts';
import { releaseQuotas } from '../db/quotas.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { Quota } from '../providers/provider.ts';
import { learnQuota, type LoadedPost } from './access.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import type { StepOutcome } from './outcome.ts';
import { makeAgain } from './verdict.ts';
import { quotaFull, waiting } from './waiting.ts';

const HOUR_MS = 3_600_000;
/** Longest pause before a lost write that can never become visible is made again. */
const LONGEST_PAUSE_MS = HOUR_MS / 2;

/** A write that is under way. */
export interface Write {
  loaded: LoadedPost;
  step: string;
  attempt: Attempt;
  quotas: readonly Quota[];
  lost: 'repeat' | 'reconcile';
}

/** Notes a refusal, and says what it means for the post. */
export async function refused(
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
  await closeAttempt(db, attempt.id, from, outcome);
  if (error.kind !== 'unknown')
    await releaseQuotas(
      db,
      post.id,
      quotas.filter(({ counts }) => !wasCounted(counts, from, error)),
    );

  switch (error.kind) {
    case 'token':
      return (await refusedBefore(deps, write, errorCode))
        ? waiting(deps, post.id, {
            kind: 'wait',
            state: 'waiting_account',
            ms: HOUR_MS,
            why: 'The provider refuses a fresh token',
          })
        : { kind: 'token_refused', tokenVersion: account.tokenVersion };
    case 'grant':
    case 'account':
      return waiting(deps, post.id, {
        kind: 'wait',
        state: 'waiting_account',
        ms: HOUR_MS,
        why: error.userMessage,
      });
    case 'quota':
      return quotaFull(deps, write.loaded, await learnQuota(deps, write.loaded, error));
    case 'rejected': {
      const { state } = await settlePost(db, post.id, {
        state: 'failed',
        status: null,
        error: postError(error),
      });
      return { kind: 'settled', state };
    }
    case 'gone':
      return makeAgain(deps, write.loaded, { steps: error.steps, status: error.code, error });
    case 'unavailable':
      if ((await countAttempts(db, post.id, write.step)) >= error.tries) {
        if (error.steps.length > 0)
          return makeAgain(deps, write.loaded, { steps: error.steps, status: error.code, error });
        const end = { state: 'failed', error: postError(error) } as const;
        return { kind: 'settled', state: (await settlePost(db, post.id, end)).state };
      }
      if (post.deadlineAt.getTime() > Date.now()) throw tryAgain(error);
      return { kind: 'repeat', step: write.step, ms: 0, why: error.message };
    case 'unknown':
      if (write.lost === 'reconcile') {
        await savePost(db, post.id, { state: 'processing', phase: 'reconciling' });
        if (write.loaded.provider.publishing.lookUp === undefined) return { kind: 'unknown' };
        throw notYet('Reconciling', `the answer of ${write.step} was lost`, 1000);
      }
      return {
        kind: 'repeat',
        step: write.step,
        ms: pauseAfter(attempt, post.createdAt),
        why: error.message,
      };
  }
}

/** What never reached the provider counts nowhere; what it refused counts as a call. */
function wasCounted(counts: Quota['counts'], from: 'prepared' | 'sent', { kind }: ProviderError): boolean {
  switch (counts) {
    case 'accepted':
      return false;
    case 'calls':
      return from === 'sent' && kind !== 'unavailable';
    case 'preflights':
      return from === 'sent' || kind !== 'unavailable';
  }
}

/** The longer the trouble lasts, the longer the pause. */
function pauseAfter(attempt: Attempt, since: Date): number {
  return Math.min(LONGEST_PAUSE_MS, Math.max(2000, (attempt.createdAt.getTime() - since.getTime()) / 2));
}

/** Whether the attempt before this one was refused like it with an older token: then a refresh has not helped. */
async function refusedBefore(
  { db }: Deps,
  { loaded: { post, account }, step, attempt }: Write,
  code: string,
): Promise<boolean> {
  const earlier = (await listAttempts(db, post.id)).find((row) => row.step === step && row.id !== attempt.id);
  return earlier?.errorCode === code && (earlier.tokenVersion ?? 0) < account.tokenVersion;
}
