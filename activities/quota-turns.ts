import { noteRefusedCalls } from '../db/accounts.ts';
import { freeAt, learnLimit, type QuotaFull, type QuotaUse, quotaUse, reserveQuotas } from '../db/quotas.ts';
import { HOUR } from '../durations.ts';
import type { ProviderError } from '../providers/errors.ts';
import type { Deps } from './deps.ts';
import { notYet } from './failures.ts';
import type { LoadedPost } from './loaded-post.ts';

/**
 * Takes one from each quota of a reading step's calls.
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
 * Records what an error reveals about quotas, if anything: that one of the account's is used up, or that the provider
 * refuses all its calls for a while.
 * @returns when to try again, and the state of the quota if it is one of ours
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
