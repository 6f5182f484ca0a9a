import { savePost, settlePost } from '../db/posts.ts';
import { countQuotaWait } from '../metrics/counters.ts';
import type { QuotaFull, QuotaUse } from '../db/quotas.ts';
import type { LoadedPost } from './access.ts';
import type { Deps } from './deps.ts';
import type { StepOutcome } from './outcome.ts';

/** Waits come before the first write, because upload URLs and containers age. */
export async function notYetDue({ db }: Deps, { post }: LoadedPost): Promise<StepOutcome | null> {
  const ms = (post.scheduledAt?.getTime() ?? 0) - Date.now();
  if (post.scheduledAt === null || ms <= 0) return null;
  await savePost(db, post.id, { state: 'scheduled', next: { step: 'publish', at: post.scheduledAt } });
  return { kind: 'wait', state: 'scheduled', ms, why: `Waits until ${post.scheduledAt.toISOString()}` };
}

/** Shows what the post waits for, where that is new. */
export async function waiting({ db }: Deps, postId: string, outcome: StepOutcome): Promise<StepOutcome> {
  if (outcome.kind === 'wait')
    await savePost(db, postId, {
      state: outcome.state,
      phase: null,
      next: { step: 'publish', at: new Date(Date.now() + outcome.ms) },
    });
  return outcome;
}

/** @param full what is known about the quota: all of it from our ledger, less from a refusal that names none of ours */
export async function quotaFull(
  deps: Deps,
  { post }: LoadedPost,
  full: Pick<QuotaFull, 'quota' | 'askAgainAt'> & Partial<QuotaUse>,
): Promise<StepOutcome> {
  const { askAgainAt, ...use } = full;
  if (post.onQuota === 'wait') {
    if (post.state !== 'waiting_quota') countQuotaWait(post.provider, use.quota);
    const ms = Math.max(1000, Math.min(askAgainAt.getTime(), post.deadlineAt.getTime()) - Date.now());
    return waiting(deps, post.id, {
      kind: 'wait',
      state: 'waiting_quota',
      ms,
      why: `Waits for the quota ${use.quota}`,
    });
  }
  const resetAt = (use.resetAt ?? askAgainAt).toISOString();
  const { state } = await settlePost(deps.db, post.id, {
    state: 'failed',
    error: {
      code: 'quota_exceeded',
      message: `the quota ${use.quota} is used up until ${resetAt}`,
      userMessage:
        'The account has used up what the provider allows at the moment. Nothing was published. Try again later.',
      retryable: true,
      details: { ...use, resetAt },
    },
  });
  return { kind: 'settled', state };
}
