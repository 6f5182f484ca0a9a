import { savePost } from '../db/post-progress.ts';
import { saveSettlement } from '../db/settlements.ts';
import { countQuotaWait } from '../metrics/counters.ts';
import type { QuotaFull, QuotaUse } from '../db/quotas.ts';
import type { Post } from '../db/posts.ts';
import type { PostState, PostWaiting } from '../db/schema.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { HOUR, SECOND } from '../durations.ts';
import type { LoadedPost } from './loaded-post.ts';
import type { Deps } from './deps.ts';
import { quotaUsedUp } from './waiting-reasons.ts';

const WAITED_FOR: Partial<Record<PostState, string>> = {
  waiting_quota: 'a quota',
  waiting_account: 'the account',
};

/**
 * Ends a post with no visible part if its deadline has passed or its account was disconnected. @returns null: it keeps
 * waiting
 */
export async function endWaiting(
  { db }: Pick<Deps, 'db'>,
  { post, account }: LoadedPost,
): Promise<StepOutcome | null> {
  if (account.status === 'disconnected') {
    const mine = account.statusReason === 'disconnected_by_user';
    const { state } = await saveSettlement(db, post.id, {
      state: mine ? 'cancelled' : 'failed',
      error: {
        code: 'account_disconnected',
        message: `the account was disconnected: ${account.statusReason ?? 'no reason known'}`,
        userMessage: 'The account was disconnected before the post went out. Nothing was published.',
        retryable: false,
        details: { provider: post.provider },
      },
    });
    return { kind: 'settled', state };
  }
  if (post.deadlineAt.getTime() > Date.now()) return null;
  const waitedFor = WAITED_FOR[post.state] ?? 'the provider';
  const { state } = await saveSettlement(db, post.id, {
    state: 'failed',
    error: {
      code: 'deadline',
      message: `the post waited for ${waitedFor} until its deadline`,
      userMessage: [
        `The post waited for ${waitedFor} until its deadline and was given up. Nothing was published.`,
        ...(post.waiting === null ? [] : [`Why it waited: ${post.waiting.userMessage}`]),
      ].join(' '),
      retryable: true,
      details: { waitedFor, waiting: post.waiting, deadlineAt: post.deadlineAt.toISOString() },
    },
  });
  return { kind: 'settled', state };
}

/** A post waits before its first write, because upload URLs and containers expire. */
export async function waitUntilDue({ db }: Deps, { post }: LoadedPost): Promise<StepOutcome | null> {
  const ms = (post.scheduledAt?.getTime() ?? 0) - Date.now();
  if (post.scheduledAt === null || ms <= 0) return null;
  await savePost(db, post.id, { state: 'scheduled', next: { step: 'publish', at: post.scheduledAt } });
  return { kind: 'wait', state: 'scheduled', ms, why: `Waits until ${post.scheduledAt.toISOString()}` };
}

/**
 * Shows what the post waits for, until its deadline at the latest.
 * @param why for the author; null: the outcome is not a wait
 */
export async function showWait(
  { db }: Pick<Deps, 'db'>,
  { id, deadlineAt }: Post,
  outcome: StepOutcome,
  why: PostWaiting | null,
): Promise<StepOutcome> {
  if (outcome.kind !== 'wait') return outcome;
  const ms = Math.max(SECOND, Math.min(outcome.ms, deadlineAt.getTime() - Date.now()));
  await savePost(db, id, {
    state: outcome.state,
    phase: null,
    next: { step: 'publish', at: new Date(Date.now() + ms) },
    waiting: why,
  });
  return { ...outcome, ms };
}

/** The creator must act; their return wakes the post, and this wait is the fallback. */
export function waitForCreator(
  { message }: ProviderError,
  state: 'waiting_account' | 'processing' | 'transferring' = 'waiting_account',
): Extract<StepOutcome, { kind: 'wait' }> {
  return { kind: 'wait', state, ms: HOUR, why: `The account may not do this: ${message}` };
}

/** Shows why an open post makes no progress, without changing its state. */
export async function showReason(
  { db }: Pick<Deps, 'db'>,
  postId: string,
  outcome: StepOutcome,
  why: PostWaiting | null,
): Promise<StepOutcome> {
  if (why !== null) await savePost(db, postId, { waiting: why });
  return outcome;
}

/**
 * Waits for a quota, or ends the post if it must not wait.
 * @param full the state of the quota: complete from our ledger, less from a refusal that names none of ours
 * @param refusal the provider's refusal, if there was one
 */
export async function waitForQuota(
  deps: Deps,
  loaded: LoadedPost,
  full: Pick<QuotaFull, 'quota' | 'askAgainAt'> & Partial<QuotaUse>,
  refusal?: ProviderError,
): Promise<StepOutcome> {
  const { post } = loaded;
  const { askAgainAt, ...use } = full;
  if (post.onQuota === 'wait') {
    if (post.state !== 'waiting_quota') countQuotaWait(post.provider, use.quota);
    const ms = Math.max(1000, Math.min(askAgainAt.getTime(), post.deadlineAt.getTime()) - Date.now());
    const outcome = {
      kind: 'wait',
      state: 'waiting_quota',
      ms,
      why: `Waits for the quota ${use.quota}`,
    } as const;
    return showWait(deps, post, outcome, quotaUsedUp(loaded, use.quota, new Date(Date.now() + ms), refusal));
  }
  const resetAt = (use.resetAt ?? askAgainAt).toISOString();
  const { state } = await saveSettlement(deps.db, post.id, {
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
