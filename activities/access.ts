import { openAccessToken } from '../crypto/tokens.ts';
import { type Account, noteRefusedCalls } from '../db/accounts.ts';
import { isRenewable } from '../db/token-times.ts';
import { saveSettlement } from '../db/settlements.ts';
import { freeAt, learnLimit, type QuotaFull, type QuotaUse, quotaUse, reserveQuotas } from '../db/quotas.ts';
import { sendsFile } from '../plan.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { PostContext } from '../providers/publishing.ts';
import { isFinal, type PostState, type PostWaiting } from '../db/schema.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { HOUR } from '../durations.ts';
import type { Deps } from './deps.ts';
import { notYet } from './failures.ts';
import { keyOf, type LoadedPost } from './loaded-post.ts';
import { connectionEnded, quotaUsedUp } from './waits.ts';

/**
 * Takes one from each quota that a reading step's calls count for.
 * @throws ApplicationFailure, retried when one is free again
 */
export async function takeTurn(
  { db }: Pick<Deps, 'db'>,
  { post, account, publishing }: LoadedPost,
  step: string,
): Promise<void> {
  const full = await reserveQuotas(db, { accountId: account.id, postId: post.id }, publishing.quotasOf(step));
  if (full === null) return;
  throw notYet(
    'QuotaFull',
    `the quota ${full.quota} is used up`,
    Math.max(1000, full.askAgainAt.getTime() - Date.now()),
  );
}

/**
 * Notes what an error has shown, if anything: that a quota of the account is used up, or that no call for it is taken for a
 * while.
 * @returns when to ask again, and how the quota stands where it is one of ours
 */
export async function learnQuota(
  { db }: Pick<Deps, 'db'>,
  { post, account, provider }: LoadedPost,
  error: ProviderError,
): Promise<Pick<QuotaFull, 'quota' | 'askAgainAt'> & Partial<QuotaUse>> {
  const quota = provider.publishing.quotas.find(({ bucket }) => bucket === error.quota);
  const latest = new Date(Date.now() + (error.retryAfterMs ?? HOUR));
  const sooner =
    error.init.retryTold === true || quota === undefined ? null : await freeAt(db, account.id, quota);
  const askAgainAt = sooner !== null && sooner < latest ? sooner : latest;
  if (error.everyCall) await noteRefusedCalls(db, account.id, askAgainAt);
  if (quota === undefined) return { quota: error.quota ?? error.code, askAgainAt };
  await learnLimit(db, { accountId: account.id, postId: post.id }, quota, askAgainAt);
  const [use] = await quotaUse(db, account.id, [quota]);
  return { quota: quota.bucket, ...use, askAgainAt };
}

/** Until when the provider refuses every call for the post's account; null: it takes them. */
export function refusedUntil({ account: { callsRefusedUntil: until } }: LoadedPost): Date | null {
  return until !== null && until.getTime() > Date.now() ? until : null;
}

/** Whether a post that nothing can be visible of has waited long enough, or for somebody who will not return. */
export async function endedWaiting(
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

const WAITED_FOR: Partial<Record<PostState, string>> = {
  waiting_quota: 'a quota',
  waiting_account: 'the account',
};

/** A token that ends in a few seconds is renewed first: a call takes as long. */
const ALMOST_EXPIRED_MS = 30_000;
/** Where nothing renews it, it is used to its end. */
const marginOf = (account: Account): number => (isRenewable(account) ? ALMOST_EXPIRED_MS : 0);
/** While an account waits for its creator, the creator's return wakes its posts; this is the second line. */
const ASK_AGAIN_MS = HOUR;

/**
 * What a provider call for the post needs, or why it must not be made now.
 * @param waiting the state in which the post waits for its account
 */
export async function openPost(
  deps: Pick<Deps, 'envelope' | 'mediaUrl'>,
  loaded: LoadedPost,
  signal: AbortSignal,
  waiting: 'waiting_account' | 'processing' | 'transferring' = 'waiting_account',
): Promise<{ context: PostContext } | { blocked: StepOutcome; why: PostWaiting | null }> {
  const { envelope } = deps;
  const { post, account } = loaded;
  if (isFinal(post.state)) return { blocked: { kind: 'settled', state: post.state }, why: null };
  if (account.status !== 'active' || account.accessTokenEncrypted === null)
    return {
      blocked: {
        kind: 'wait',
        state: waiting,
        ms: ASK_AGAIN_MS,
        why: `Waits until the account is connected again (${account.statusReason ?? account.status})`,
      },
      why: connectionEnded(account.statusReason),
    };
  const until = refusedUntil(loaded);
  if (until !== null)
    return {
      blocked: {
        kind: 'wait',
        state: waiting === 'waiting_account' ? 'waiting_quota' : waiting,
        ms: until.getTime() - Date.now(),
        why: `The provider takes no calls for the account until ${until.toISOString()}`,
      },
      why: quotaUsedUp(loaded, 'rate_limited', until),
    };
  if (account.expiresAt !== null && account.expiresAt.getTime() < Date.now() + marginOf(account))
    return { blocked: { kind: 'token_refused', tokenVersion: account.tokenVersion }, why: null };
  const accessToken = await openAccessToken(envelope, keyOf(loaded), account, account.accessTokenEncrypted);
  return { context: { ...contextOf(deps, loaded, signal), accessToken } };
}

/** All that a provider may know of a post, but for the token. */
export function contextOf(
  { mediaUrl }: Pick<Deps, 'mediaUrl'>,
  { post, account, media, files, made, parts }: LoadedPost,
  signal: AbortSignal,
): Omit<PostContext, 'accessToken'> {
  return {
    openId: account.openId,
    username: account.username,
    scopes: account.scope,
    media,
    files,
    mediaUrl,
    publishId: post.publishId,
    made,
    parts,
    sendsFile: sendsFile(post.plan),
    signal,
  };
}
