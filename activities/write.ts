import {
  type Attempt,
  type AttemptOutcome,
  closeAttempt,
  countAttempts,
  lastAttempt,
  listAttempts,
  markSent,
  prepareAttempt,
} from '../db/attempts.ts';
import { accountKey } from '../db/accounts.ts';
import { savePost, settlePost } from '../db/posts.ts';
import { type QuotaFull, type QuotaUse, releaseQuotas, reserveQuotas } from '../db/quotas.ts';
import type { PostContext, Quota, Step, Written } from '../providers/provider.ts';
import { ProviderError } from '../providers/errors.ts';
import { endedWaiting, learnQuota, type LoadedPost, loadPost, noteQuotas, openPost } from './access.ts';
import { alive } from './alive.ts';
import { isFinal } from '../db/schema.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import type { StepOutcome } from './outcome.ts';
import { stateAfter } from './plan.ts';
import { applyVerdict, makeAgain } from './verdict.ts';

const HOUR_MS = 3_600_000;
/** Longest pause before a lost write that can never become visible is made again. */
const LONGEST_PAUSE_MS = HOUR_MS / 2;

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
      const write = writeOf(loaded, step);
      let last = await lastAttempt(db, postId, step);
      if (last?.status === 'accepted')
        return { kind: 'done', state: stateAfter(post.plan, step), publishId: post.publishId };
      if (last?.status === 'sent') {
        // Whoever sent it is gone, and with it the answer.
        const lost = {
          errorCode: 'outcome_unknown',
          errorMessage: 'the worker stopped before the answer came',
        };
        await closeAttempt(db, last.id, 'sent', { status: 'unknown', ...lost });
        last = { ...last, ...lost, status: 'unknown' };
      }
      if (last?.status === 'unknown' && write.lost === 'reconcile') {
        const found = await reconcile(deps, loaded, step, last, signal);
        if (found !== 'again') return found;
      }

      const early = (await endedWaiting(deps, loaded)) ?? (await notYetDue(deps, loaded));
      if (early !== null) return early;
      const access = await openPost(deps, loaded, signal);
      if ('blocked' in access) return waiting(deps, postId, access.blocked);

      const quotas = provider.publishing.quotasOf(step, post.request);
      let attempt = last?.status === 'prepared' ? last : null;
      if (attempt === null) {
        const taker = { accountId: account.id, postId, held: last === null && isHeld(post) };
        const full = await reserveQuotas(db, taker, quotas);
        if (full !== null) return quotaFull(deps, loaded, full);
        attempt = await prepareAttempt(db, post, { step, tokenVersion: account.tokenVersion });
        if (attempt === null) {
          // Moved to another time, or ended, since it was read.
          await releaseQuotas(db, postId, quotas);
          throw notYet('Changed', 'the post has just changed', 1000);
        }
      }
      await savePost(db, postId, { phase: step, next: null });
      const under: Write = { loaded, step, attempt, quotas, lost: write.lost };
      let from: 'prepared' | 'sent' = 'prepared';
      try {
        const told = await provider.publishing.preflight(step, access.context);
        const full = await noteQuotas(deps, loaded, told);
        if (full !== null) {
          await closeAttempt(db, attempt.id, 'prepared', { status: 'rejected', errorCode: 'quota_exceeded' });
          await releaseQuotas(db, postId, quotas);
          return await quotaFull(deps, loaded, full);
        }
        await markSent(db, attempt.id);
        from = 'sent';
        const done = await accepted(deps, under, await provider.publishing.write(step, access.context));
        return (await decidedAlready(deps, postId, step, access.context)) ?? done;
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

interface Write {
  loaded: LoadedPost;
  step: string;
  attempt: Attempt;
  quotas: readonly Quota[];
  lost: 'repeat' | 'reconcile';
}

function writeOf({ post }: LoadedPost, name: string): Extract<Step, { kind: 'write' }> {
  const step = post.plan.find((candidate) => candidate.name === name);
  if (step?.kind !== 'write') throw new Error(`the plan has no write ${name}`);
  return step;
}

/** Waits come before the first write, because upload URLs and containers age. */
async function notYetDue({ db }: Deps, { post }: LoadedPost): Promise<StepOutcome | null> {
  const ms = (post.scheduledAt?.getTime() ?? 0) - Date.now();
  if (post.scheduledAt === null || ms <= 0) return null;
  await savePost(db, post.id, { state: 'scheduled', next: { step: 'publish', at: post.scheduledAt } });
  return { kind: 'wait', state: 'scheduled', ms, why: `Waits until ${post.scheduledAt.toISOString()}` };
}

/** Shows what the post waits for, where that is new. */
async function waiting({ db }: Deps, postId: string, outcome: StepOutcome): Promise<StepOutcome> {
  if (outcome.kind === 'wait')
    await savePost(db, postId, {
      state: outcome.state,
      phase: null,
      next: { step: 'publish', at: new Date(Date.now() + outcome.ms) },
    });
  return outcome;
}

/** @param full what is known about the quota: all of it from our ledger, less from a refusal that names none of ours */
async function quotaFull(
  deps: Deps,
  { post }: LoadedPost,
  full: Pick<QuotaFull, 'quota' | 'askAgainAt'> & Partial<QuotaUse>,
): Promise<StepOutcome> {
  const { askAgainAt, ...use } = full;
  if (post.onQuota === 'wait') {
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

const DAY_MS = 24 * HOUR_MS;

/**
 * Finds out what became of a write whose answer was lost, if the provider can be asked; else only an event can tell.
 * @returns `again`: the provider itself says that nothing happened
 */
async function reconcile(
  deps: Deps,
  loaded: LoadedPost,
  step: string,
  lost: Attempt,
  signal: AbortSignal,
): Promise<StepOutcome | 'again'> {
  const { db } = deps;
  const { post, provider } = loaded;
  await savePost(db, post.id, { state: 'processing', phase: 'reconciling' });
  const { lookUp } = provider.publishing;
  if (lookUp === undefined) return { kind: 'unknown' };
  const first = (await listAttempts(db, post.id)).findLast((attempt) => attempt.step === step) ?? lost;
  if (lost.createdAt.getTime() < Date.now() - DAY_MS)
    return { kind: 'given_up', why: `nothing tells whether ${step} happened` };
  const access = await openPost(deps, loaded, signal, 'processing');
  if ('blocked' in access) return access.blocked;
  try {
    // A try before it may have been the one that was carried out.
    const found = await lookUp(step, access.context, { code: lost.errorCode, at: first.createdAt });
    switch (found.kind) {
      case 'happened':
        await closeAccepted(deps, loaded, step, lost, 'unknown', found.written);
        return (
          (await decidedAlready(deps, post.id, step, access.context)) ?? {
            kind: 'done',
            state: stateAfter(post.plan, step),
            publishId: found.written.publishId ?? post.publishId,
          }
        );
      case 'nothing':
        await closeAttempt(db, lost.id, 'unknown', { status: 'rejected', errorCode: 'not_performed' });
        return 'again';
      case 'refused': {
        await closeAttempt(db, lost.id, 'unknown', { status: 'rejected', errorCode: found.error.code });
        const error = postError(found.error);
        return { kind: 'settled', state: (await settlePost(db, post.id, { state: 'failed', error })).state };
      }
      case 'open':
        throw notYet('Reconciling', `whether ${step} happened is not known yet`);
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind === 'token') return { kind: 'token_refused', tokenVersion: loaded.account.tokenVersion };
    throw tryAgain(error);
  }
}

/** What the next step would ask for is often decided already. Nothing depends on the answer. */
async function decidedAlready(
  deps: Deps,
  postId: string,
  step: string,
  context: PostContext,
): Promise<StepOutcome | null> {
  const loaded = await loadPost(deps, postId);
  const { post, provider, made } = loaded;
  const next = post.plan[post.plan.findIndex(({ name }) => name === step) + 1];
  if (next?.kind !== 'await' || next.soon !== true) return null;
  try {
    const verdict = await provider.publishing.verdict(next.name, { ...context, made });
    if (verdict.kind !== 'published') return null;
    return { kind: 'settled', state: await applyVerdict(deps, loaded, verdict) };
  } catch (error) {
    if (error instanceof ProviderError) return null;
    throw error;
  }
}

async function accepted(
  deps: Deps,
  { loaded, step, attempt }: Write,
  written: Written,
): Promise<StepOutcome> {
  await closeAccepted(deps, loaded, step, attempt, 'sent', written);
  const { plan, publishId } = loaded.post;
  return { kind: 'done', state: stateAfter(plan, step), publishId: written.publishId ?? publishId };
}

/** The outcome and the ids that it brought are one commit, made before anything else is sent. */
async function closeAccepted(
  { db, envelope }: Deps,
  { post, account }: LoadedPost,
  step: string,
  attempt: Attempt,
  from: 'sent' | 'unknown',
  written: Written,
): Promise<void> {
  const secretEncrypted =
    written.secret === undefined
      ? null
      : await envelope.seal(await accountKey(db, account), written.secret, {
          table: 'publish_attempts',
          column: 'secret_encrypted',
          row: attempt.id,
          version: 1,
        });
  const counted = await db.transaction(async (tx) => {
    const closed = await closeAttempt(tx, attempt.id, from, {
      status: 'accepted',
      providerRef: written.publishId ?? written.partId ?? written.providerPostId ?? null,
      secretEncrypted,
      logId: written.logId,
    });
    if (closed)
      await savePost(tx, post.id, {
        state: stateAfter(post.plan, step),
        phase: null,
        ...(written.publishId === undefined ? {} : { publishId: written.publishId }),
      });
    return closed;
  });
  // A later try has taken this one for lost and goes its own way.
  if (!counted) throw new Error('the attempt was closed by another try');
}

async function refused(
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
  const outcome: AttemptOutcome = {
    status: error.kind === 'unknown' ? 'unknown' : 'rejected',
    errorCode: error.providerCode ?? error.code,
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
      return (await refusedBefore(deps, write))
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
    case 'quota': {
      const askAgainAt = new Date(Date.now() + (error.retryAfterMs ?? HOUR_MS));
      const use = await learnQuota(deps, write.loaded, error, askAgainAt);
      return quotaFull(deps, write.loaded, { quota: error.quota ?? error.code, ...use, askAgainAt });
    }
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

/** Whether the attempt before this one was refused with an older token: then a refresh has not helped. */
async function refusedBefore(
  { db }: Deps,
  { loaded: { post, account }, step, attempt }: Write,
): Promise<boolean> {
  const earlier = (await listAttempts(db, post.id)).find((row) => row.step === step && row.id !== attempt.id);
  return earlier?.errorCode === 'access_token_invalid' && (earlier.tokenVersion ?? 0) < account.tokenVersion;
}
