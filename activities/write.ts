import { type Attempt, prepareAttempt } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { noteTold, onlyShown } from '../db/quotas.ts';
import { isFinal } from '../db/schema.ts';
import { stateAfter, stepOf } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import { requireScopes } from '../providers/permissions.ts';
import type { PostContext } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { recordAccepted } from './accepted.ts';
import { openPost, refusedUntil } from './open-post.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet } from './failures.ts';
import { lastAttempt, type LoadedPost, loadPost } from './loaded-post.ts';
import { endOwnAttempt, markOwnSent } from './own-attempt.ts';
import { reconcile } from './reconcile.ts';
import { applyRefusal, type Write } from './refusal.ts';
import { showWait, waitForQuota, waitUntilDue, endWaiting } from './waiting.ts';

/**
 * Performs one write of a plan, with the effect of exactly one: an attempt row is `prepared` before, `sent` when the
 * provider may see it, and closed with the outcome. A row that is still `sent` when this runs again means a lost
 * answer.
 */
export const createWriteActivities = (deps: Deps) => ({
  performWrite: ({ postId, step }: { postId: string; step: string }): Promise<StepOutcome> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      const { post } = loaded;
      if (isFinal(post.state)) return { kind: 'settled', state: post.state };
      const { lost } = stepOf(post.plan, 'write', step);
      const due: DueWrite = { loaded, step, lost, quotas: loaded.publishing.quotasOf(step) };
      const last = await closeLost(deps, due, lastAttempt(loaded, step));
      if (last?.status === 'accepted')
        return { kind: 'done', state: stateAfter(post.plan, step), publishId: post.publishId };
      if (last?.status === 'unknown' && lost === 'reconcile') {
        const found = await reconcile(deps, loaded, step, last, signal);
        if (found !== 'again') return found;
      }

      const early = (await endWaiting(deps, loaded)) ?? (await waitUntilDue(deps, loaded));
      if (early !== null) return early;
      const until = refusedUntil(loaded);
      if (until !== null) return waitForQuota(deps, loaded, { quota: 'rate_limited', askAgainAt: until });
      const access = await openPost(deps, loaded, signal);
      if ('blocked' in access) return showWait(deps, loaded.post, access.blocked, access.why);
      const prepared = await prepareWrite(deps, due, last);
      return 'kind' in prepared ? prepared : sendWrite(deps, prepared, access.context);
    }),
});

/** A write without an attempt yet. */
type DueWrite = Omit<Write, 'attempt'>;

/** Closes an attempt whose worker, and with it the answer, is lost. @returns the attempt as it is then */
async function closeLost({ db }: Deps, { quotas }: DueWrite, last: Attempt | null): Promise<Attempt | null> {
  if (last?.status !== 'sent') return last;
  const lost = {
    status: 'unknown',
    errorCode: 'outcome_unknown',
    errorMessage: 'the worker stopped before the answer came',
  } as const;
  await endOwnAttempt(db, last, 'sent', lost, onlyShown(quotas));
  return { ...last, ...lost };
}

/** Records the write and takes its quotas before it is sent. @returns an outcome if it must not be sent now */
async function prepareWrite(deps: Deps, due: DueWrite, last: Attempt | null): Promise<Write | StepOutcome> {
  const { loaded, step, quotas } = due;
  const { post, account } = loaded;
  if (last?.status === 'prepared') {
    await savePost(deps.db, post.id, { phase: step, next: null });
    return { ...due, attempt: last };
  }
  const { tokenVersion } = account;
  const held = last === null && isHeld(post);
  const prepared = await prepareAttempt(deps.db, post, { step, tokenVersion, quotas, held });
  switch (prepared.outcome) {
    case 'prepared':
      return { ...due, attempt: prepared.attempt };
    case 'quota':
      return waitForQuota(deps, loaded, prepared.full);
    case 'changed':
      throw notYet('Changed', 'the post has just changed', 1000);
  }
}

/** Runs the preflight, sends the write, and records its outcome. */
async function sendWrite(deps: Deps, write: Write, context: PostContext): Promise<StepOutcome> {
  const { db } = deps;
  const { loaded, step, attempt, quotas } = write;
  const { post, account, provider, publishing } = loaded;
  let from: 'prepared' | 'sent' = 'prepared';
  try {
    if (Object.keys(loaded.made).length === 0)
      requireScopes(provider.name, provider.permissions, publishing.needs, account.scope);
    const told = await publishing.preflight(step, context);
    const taker = { accountId: account.id, postId: post.id };
    const full = await noteTold(db, taker, provider.publishing.quotas, told);
    if (full !== null) {
      const end = { status: 'rejected', errorCode: 'quota_exceeded' } as const;
      await endOwnAttempt(db, attempt, 'prepared', end, quotas);
      return await waitForQuota(deps, loaded, full);
    }
    await markOwnSent(db, attempt.id);
    from = 'sent';
    const written = await publishing.write(step, context);
    return await recordAccepted(deps, { loaded, step, attempt, from, written, context });
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return applyRefusal(deps, write, from, error);
  }
}

/** Whether quotas were held for the post when it was accepted. */
function isHeld({ onQuota, scheduledAt, createdAt }: LoadedPost['post']): boolean {
  return onQuota === 'fail' && (scheduledAt === null || scheduledAt <= createdAt);
}
