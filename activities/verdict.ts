import { type Attempt, supersedeAttempts } from '../db/attempts.ts';
import { postById } from '../db/posts.ts';
import { savePost, saveStatus } from '../db/post-progress.ts';
import { saveSettlement } from '../db/settlements.ts';
import type { Db } from '../db/client.ts';
import { onlyShown, releaseQuotas } from '../db/quotas.ts';
import { asksForDetails, firstOf, showingWrites, stateAfter, stepOf } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import type { FinalVerdict, Verdict } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { DAY } from '../durations.ts';
import { endedWaiting, learnQuota, openPost, takeTurn } from './access.ts';
import { lastAttempt, type LoadedPost, loadPost, mayBeSeen } from './loaded-post.ts';
import { alive, endRow, timesInARow, tryNumber } from './alive.ts';
import { isFinal } from '../db/schema.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import { held, refusedAccount, waiting } from './waiting.ts';
import { accountRefused, providerAway } from './waits.ts';

/** Pauses between polls, in seconds; the last one repeats. Some providers take 30 calls a minute of a token, for all its posts. */
const POLL_SECONDS = [1, 2, 2, 3, 5, 5, 10, 20, 20, 30, 60, 60, 120] as const;

/** Asks the provider where a post stands. "Not decided yet" is a failure that Temporal retries: history does not grow. */
export const createVerdictActivities = (deps: Deps) => ({
  awaitVerdict: ({ postId, step }: { postId: string; step: string }): Promise<StepOutcome> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      if (isFinal(loaded.post.state)) return { kind: 'settled', state: loaded.post.state };
      const live = liveWrite(loaded, step);
      const seen = mayBeSeen(loaded);
      const tooLong = isTooLong(loaded);
      if (seen && tooLong) return live === null ? UNDECIDED : withoutDetails(deps, loaded, live);
      // What nobody can see waits for its account like a post that is not begun.
      const ended = seen ? null : await endedWaiting(deps, loaded);
      if (ended !== null) return ended;
      const access = await openPost(deps, loaded, signal, seen ? 'processing' : 'waiting_account');
      if ('blocked' in access) {
        if (!seen) return waiting(deps, postId, access.blocked, access.why);
        return live !== null && access.blocked.kind === 'wait'
          ? withoutDetails(deps, loaded, live)
          : held(deps, postId, access.blocked, access.why);
      }
      await takeTurn(deps, loaded, step);
      try {
        const verdict = await loaded.publishing.verdict(step, access.context);
        endRow();
        const outcome = await follow(deps, loaded, step, verdict);
        if (outcome !== null) return outcome;
        if (tooLong) return UNDECIDED;
        if (live !== null && tryNumber() >= LIVE_TRIES) return await withoutDetails(deps, loaded, live);
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
          return waiting(deps, postId, refusedAccount(error), accountRefused(loaded, error));
        return live === null || mayPass(loaded, live, error)
          ? unanswered(deps, loaded, error, askAgainAt)
          : withoutDetails(deps, loaded, live);
      }
    }),
});

const UNDECIDED: StepOutcome = { kind: 'given_up', why: 'the provider did not decide within a day' };

/** Whether what is asked about has to be made anew: it is not found for long, or with a newer token either. */
function isLost(loaded: LoadedPost, error: ProviderError): boolean {
  const [first] = error.steps;
  if (first === undefined) return false;
  if (error.kind === 'token') return lastAttempt(loaded, first)?.tokenVersion !== loaded.account.tokenVersion;
  return error.kind === 'unavailable' && timesInARow(error.code) >= error.tries;
}

/** How often the details of what is live are asked for. */
const LIVE_TRIES = 6;

/** The write that shows the post, where the step asks for no more than the details of what is live by it. */
function liveWrite(loaded: LoadedPost, step: string): Attempt | null {
  const { plan } = loaded.post;
  if (!asksForDetails(stepOf(plan, 'await', step))) return null;
  // What comes after the first are answers to it.
  const [first] = showingWrites(plan);
  return first === undefined ? null : lastAttempt(loaded, first);
}

/** Whether details may be had soon: another moment, or the first renewed token, may bring them. */
function mayPass({ account }: LoadedPost, live: Attempt, { kind }: ProviderError): boolean {
  if (kind === 'token') return live.tokenVersion === account.tokenVersion;
  return kind === 'unavailable' && tryNumber() < LIVE_TRIES;
}

/** What is live is published, whoever does not tell its details. */
async function withoutDetails(deps: Deps, loaded: LoadedPost, live: Attempt): Promise<StepOutcome> {
  const known = { providerPostId: live.providerRef, permalink: null };
  const state = await applyVerdict(deps, loaded, { kind: 'published', status: 'PUBLISHED', ...known });
  return { kind: 'settled', state };
}

/** What a verdict means for the plan; null: it has to be asked for again. */
async function follow(
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

/** How often what was made and lost is made again. */
const MOST_TIMES = 3;

/** What the steps made is of no use: they are performed again, a few times. */
export async function makeAgain(
  deps: Deps,
  loaded: LoadedPost,
  { steps, status, error }: Omit<Extract<Verdict, { kind: 'gone' }>, 'kind'>,
): Promise<StepOutcome> {
  const { post } = loaded;
  const first = firstOf(post.plan, steps);
  const times = await giveUpMade(deps.db, loaded, steps, status);
  if (times > MOST_TIMES)
    return { kind: 'settled', state: await applyVerdict(deps, loaded, { kind: 'failed', status, error }) };
  return { kind: 'repeat', step: first.name, ms: times ** 2 * 2_000, why: error.message };
}

/**
 * What the steps made is of no use any more, and neither are the places that were taken for it.
 * @returns how often it has happened to the one of them that it happened to most
 */
export async function giveUpMade(
  db: Db,
  loaded: LoadedPost,
  steps: readonly string[],
  errorCode: string,
): Promise<number> {
  return db.transaction(async (tx) => {
    const { superseded, times } = await supersedeAttempts(tx, loaded.post.id, steps, errorCode);
    const quotas = superseded.flatMap((step) => loaded.publishing.quotasOf(step));
    await releaseQuotas(tx, loaded.post.id, onlyShown(quotas));
    return times;
  });
}

/** Whether the provider has had its day since the last write. */
function isTooLong({ attempts: [newest] }: LoadedPost): boolean {
  return newest?.finishedAt != null && newest.finishedAt.getTime() < Date.now() - DAY;
}

/** Takes posts back that the provider has not finished. */
export const createRecallActivities = (deps: Deps) => ({
  /** @returns whether the provider dropped the post; false: too late, or it cannot be asked */
  recallPost: ({ postId }: { postId: string }): Promise<boolean> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      const access = await openPost(deps, loaded, signal, 'processing');
      if ('blocked' in access) return false;
      // Before the call: its webhook may be here before its answer.
      await savePost(deps.db, postId, { recalledAt: new Date() });
      try {
        return (await loaded.publishing.recall?.(access.context)) ?? false;
      } catch (error) {
        throw error instanceof ProviderError ? tryAgain(error) : error;
      }
    }),
});

/** Notes a verdict, whoever brought it. @returns the state of the post */
export async function applyVerdict(
  deps: Pick<Deps, 'db'>,
  loaded: LoadedPost,
  verdict: FinalVerdict,
): Promise<string> {
  const { db } = deps;
  const { post, account, provider } = loaded;
  switch (verdict.kind) {
    case 'published': {
      const { providerPostId, status } = verdict;
      const permalink =
        verdict.permalink !== undefined || providerPostId === null
          ? (verdict.permalink ?? null)
          : loaded.publishing.permalink(account.username, providerPostId);
      return (await saveSettlement(db, post.id, { state: 'published', status, providerPostId, permalink }))
        .state;
    }
    case 'delivered':
      return (await saveSettlement(db, post.id, { state: 'delivered', status: verdict.status })).state;
    case 'failed':
      // It may have been asked to while the verdict was on its way.
      if (verdict.dropped === true && (await postById(db, post.id)).recalledAt !== null)
        return (await saveSettlement(db, post.id, { state: 'cancelled', status: verdict.status })).state;
      if (verdict.error.quota !== null && !isFinal(post.state)) {
        const refused = provider.publishing.quotas.filter(({ bucket }) => bucket === verdict.error.quota);
        await releaseQuotas(db, post.id, refused);
        await learnQuota(deps, loaded, verdict.error);
      }
      return (
        await saveSettlement(db, post.id, {
          state: 'failed',
          status: verdict.status,
          error: postError(verdict.error),
        })
      ).state;
  }
}

/** The post is at the provider: whatever goes wrong with asking is no end of it. */
async function unanswered(
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
      return held(deps, post.id, refusedAccount(error, 'processing'), accountRefused(loaded, error));
    default:
      await savePost(deps.db, post.id, { waiting: providerAway(error) });
      throw tryAgain(error, error.kind === 'quota' ? askAgainAt.getTime() - Date.now() : undefined);
  }
}
