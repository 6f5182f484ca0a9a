import { type Attempt, closeAttempt, markSent, prepareAttempt } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { noteTold, onlyShown, releaseQuotas } from '../db/quotas.ts';
import { isFinal } from '../db/schema.ts';
import { stateAfter, stepOf } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import { requireScopes } from '../providers/permissions.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { accepted } from './accepted.ts';
import { endedWaiting, openPost, refusedUntil } from './access.ts';
import { lastAttempt, type LoadedPost, loadPost } from './loaded-post.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet, takenOver } from './failures.ts';
import { reconcile } from './reconcile.ts';
import { refused, type Write } from './refusal.ts';
import { notYetDue, quotaFull, waiting } from './waiting.ts';

/**
 * Performs one write of a plan, once in effect: an attempt row is `prepared` before, `sent` when the provider may see
 * it, and closed with the outcome. A row that is still `sent` when this runs again is a lost answer.
 */
export const createWriteActivities = (deps: Deps) => ({
  performWrite: ({ postId, step }: { postId: string; step: string }): Promise<StepOutcome> =>
    alive(async (signal) => {
      const { db } = deps;
      const loaded = await loadPost(deps, postId);
      const { post, account, provider } = loaded;
      if (isFinal(post.state)) return { kind: 'settled', state: post.state };
      const { publishing } = loaded;
      const { lost } = stepOf(post.plan, 'write', step);
      const quotas = publishing.quotasOf(step);
      let last = lastAttempt(loaded, step);
      if (last?.status === 'accepted')
        return { kind: 'done', state: stateAfter(post.plan, step), publishId: post.publishId };
      if (last?.status === 'sent') {
        // Whoever sent it is gone, and with it the answer.
        const closing = {
          errorCode: 'outcome_unknown',
          errorMessage: 'the worker stopped before the answer came',
        };
        if (!(await closeAttempt(db, last.id, 'sent', { status: 'unknown', ...closing }))) throw takenOver();
        await releaseQuotas(db, postId, onlyShown(quotas));
        last = { ...last, ...closing, status: 'unknown' };
      }
      if (last?.status === 'unknown' && lost === 'reconcile') {
        const found = await reconcile(deps, loaded, step, last, signal);
        if (found !== 'again') return found;
      }

      const early = (await endedWaiting(deps, loaded)) ?? (await notYetDue(deps, loaded));
      if (early !== null) return early;
      const until = refusedUntil(loaded);
      if (until !== null) return quotaFull(deps, loaded, { quota: 'rate_limited', askAgainAt: until });
      const access = await openPost(deps, loaded, signal);
      if ('blocked' in access) return waiting(deps, postId, access.blocked, access.why);

      let attempt: Attempt;
      if (last?.status === 'prepared') {
        attempt = last;
        await savePost(db, postId, { phase: step, next: null });
      } else {
        const { tokenVersion } = account;
        const held = last === null && isHeld(post);
        const prepared = await prepareAttempt(db, post, { step, tokenVersion, quotas, held });
        if (prepared.outcome === 'quota') return quotaFull(deps, loaded, prepared.full);
        if (prepared.outcome === 'changed') throw notYet('Changed', 'the post has just changed', 1000);
        ({ attempt } = prepared);
      }
      const under: Write = { loaded, step, attempt, quotas, lost };
      let from: 'prepared' | 'sent' = 'prepared';
      try {
        if (Object.keys(loaded.made).length === 0) {
          const needs = publishing.needs;
          requireScopes(provider.name, provider.permissions, needs, account.scope);
        }
        const told = await publishing.preflight(step, access.context);
        const full = await noteTold(db, { accountId: account.id, postId }, provider.publishing.quotas, told);
        if (full !== null) {
          const end = { status: 'rejected', errorCode: 'quota_exceeded' } as const;
          if (!(await closeAttempt(db, attempt.id, 'prepared', end))) throw takenOver();
          await releaseQuotas(db, postId, quotas);
          return await quotaFull(deps, loaded, full);
        }
        if (!(await markSent(db, attempt.id))) throw takenOver();
        from = 'sent';
        const written = await publishing.write(step, access.context);
        return await accepted(deps, { loaded, step, attempt, from, written, context: access.context });
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        return refused(deps, under, from, error);
      }
    }),
});

/** Whether quotas were held for the post when it was accepted. */
function isHeld({ onQuota, scheduledAt, createdAt }: LoadedPost['post']): boolean {
  return onQuota === 'fail' && (scheduledAt === null || scheduledAt <= createdAt);
}
