import type { Attempt } from '../db/attempts.ts';
import { savePost, saveStatus } from '../db/post-progress.ts';
import { isFinal } from '../db/schema.ts';
import { DAY } from '../durations.ts';
import { asksForDetails, showingWrites, stateAfter, stepOf } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Verdict } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { alive, endRow, timesInARow, tryNumber } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet, tryAgain } from './failures.ts';
import { lastAttempt, type LoadedPost, loadPost, mayBeSeen } from './loaded-post.ts';
import { makeAgain } from './make-again.ts';
import { openPost } from './open-post.ts';
import { learnQuota, takeTurn } from './quota-turns.ts';
import { applyVerdict } from './settle-verdict.ts';
import { endWaiting, showReason, showWait, waitForCreator } from './waiting.ts';
import { accountRefused, providerAway } from './waiting-reasons.ts';

/**
 * Pauses between polls, in seconds; the last one repeats. Some providers allow 30 calls a minute for a token, for all
 * its posts.
 */
const POLL_SECONDS = [1, 2, 2, 3, 5, 5, 10, 20, 20, 30, 60, 60, 120] as const;

/**
 * Asks the provider for the verdict on a post. "Not decided yet" is a failure that Temporal retries, so history does
 * not grow.
 */
export const createVerdictActivities = (deps: Deps) => ({
  awaitVerdict: ({ postId, step }: { postId: string; step: string }): Promise<StepOutcome> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      if (isFinal(loaded.post.state)) return { kind: 'settled', state: loaded.post.state };
      const live = liveWrite(loaded, step);
      const seen = mayBeSeen(loaded);
      const tooLong = isTooLong(loaded);
      if (seen && tooLong) return live === null ? UNDECIDED : settleWithoutDetails(deps, loaded, live);
      // A post that is not visible waits for its account like one that has not begun.
      const ended = seen ? null : await endWaiting(deps, loaded);
      if (ended !== null) return ended;
      const access = await openPost(deps, loaded, signal, seen ? 'processing' : 'waiting_account');
      if ('blocked' in access) {
        if (!seen) return showWait(deps, loaded.post, access.blocked, access.why);
        return live !== null && access.blocked.kind === 'wait'
          ? settleWithoutDetails(deps, loaded, live)
          : showReason(deps, postId, access.blocked, access.why);
      }
      await takeTurn(deps, loaded, step);
      try {
        const verdict = await loaded.publishing.verdict(step, access.context);
        endRow();
        const outcome = await followVerdict(deps, loaded, step, verdict);
        if (outcome !== null) return outcome;
        if (tooLong) return UNDECIDED;
        if (live !== null && tryNumber() >= LIVE_TRIES) return await settleWithoutDetails(deps, loaded, live);
        await saveStatus(deps.db, loaded.post, verdict.status);
        const ms = (POLL_SECONDS[tryNumber() - 1] ?? 120) * 1000;
        await savePost(deps.db, postId, {
          state: 'processing',
          phase: step,
          next: { step, at: new Date(Date.now() + ms) },
        });
        throw notYet('NotDecided', `the provider says ${verdict.status}`, ms);
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        const { askAgainAt } = await learnQuota(deps, loaded, error);
        if (isLost(loaded, error))
          return makeAgain(deps, loaded, { steps: error.steps, status: error.code, error });
        if (!seen && (error.kind === 'account' || error.kind === 'grant'))
          return showWait(deps, loaded.post, waitForCreator(error), accountRefused(loaded, error));
        return live === null || mayPass(loaded, live, error)
          ? applyUnanswered(deps, loaded, error, askAgainAt)
          : settleWithoutDetails(deps, loaded, live);
      }
    }),
});

const UNDECIDED: StepOutcome = { kind: 'given_up', why: 'the provider did not decide within a day' };

/** Whether the object must be made again: it stays missing, even with a newer token. */
function isLost(loaded: LoadedPost, error: ProviderError): boolean {
  const [first] = error.steps;
  if (first === undefined) return false;
  if (error.kind === 'token') return lastAttempt(loaded, first)?.tokenVersion !== loaded.account.tokenVersion;
  return error.kind === 'unavailable' && timesInARow(error.code) >= error.tries;
}

/** How often to request the details of a live post. */
const LIVE_TRIES = 6;

/** The write that made the post visible, if the step only requests the details of the live post. */
function liveWrite(loaded: LoadedPost, step: string): Attempt | null {
  const { plan } = loaded.post;
  if (!asksForDetails(stepOf(plan, 'await', step))) return null;
  // Later ones are replies to it.
  const [first] = showingWrites(plan);
  return first === undefined ? null : lastAttempt(loaded, first);
}

/** Whether the details may come soon: after a moment, or with the first renewed token. */
function mayPass({ account }: LoadedPost, live: Attempt, { kind }: ProviderError): boolean {
  if (kind === 'token') return live.tokenVersion === account.tokenVersion;
  return kind === 'unavailable' && tryNumber() < LIVE_TRIES;
}

/** A live post is published, even without its details. */
async function settleWithoutDetails(deps: Deps, loaded: LoadedPost, live: Attempt): Promise<StepOutcome> {
  const known = { providerPostId: live.providerRef, permalink: null };
  const state = await applyVerdict(deps, loaded, { kind: 'published', status: 'PUBLISHED', ...known });
  return { kind: 'settled', state };
}

/** The effect of a verdict on the plan; null: ask again. */
async function followVerdict(
  deps: Deps,
  loaded: LoadedPost,
  step: string,
  verdict: Verdict,
): Promise<StepOutcome | null> {
  const { post } = loaded;
  switch (verdict.kind) {
    case 'pending':
      return null;
    case 'ready': {
      const state = stateAfter(post.plan, step);
      await savePost(deps.db, post.id, { state, phase: null, next: null });
      return { kind: 'done', state, publishId: post.publishId };
    }
    case 'gone':
      return makeAgain(deps, loaded, verdict);
    default:
      return { kind: 'settled', state: await applyVerdict(deps, loaded, verdict) };
  }
}

/** Whether the provider has had a day since the last write. */
function isTooLong({ attempts: [newest] }: LoadedPost): boolean {
  return newest?.finishedAt != null && newest.finishedAt.getTime() < Date.now() - DAY;
}

/** The post is at the provider: failed questions do not end it. */
async function applyUnanswered(
  deps: Deps,
  loaded: LoadedPost,
  error: ProviderError,
  askAgainAt: Date,
): Promise<StepOutcome> {
  const { post, account } = loaded;
  switch (error.kind) {
    case 'token':
      return { kind: 'token_refused', tokenVersion: account.tokenVersion };
    case 'account':
    case 'grant':
      return showReason(deps, post.id, waitForCreator(error, 'processing'), accountRefused(loaded, error));
    default:
      await savePost(deps.db, post.id, { waiting: providerAway(error) });
      throw tryAgain(error, error.kind === 'quota' ? askAgainAt.getTime() - Date.now() : undefined);
  }
}
