import type { Account } from '../db/accounts.ts';
import { learnLimit } from '../db/quotas.ts';
import { HOUR, SECOND } from '../durations.ts';
import { ProviderError } from '../providers/errors.ts';
import type { AccountCheck } from '../providers/publishing.ts';
import type { ReadRequest } from '../providers/requests.ts';
import type { Deps } from './deps.ts';
import { ApiError } from './errors.ts';
import type { Poster } from './new-post.ts';
import { callOnce, takeQuota } from './provider-call.ts';

/** Platforms limit this call to some 20 a minute: a hundred posts at once share one answer. */
const FRESH_MS = 20 * SECOND;
const MOST = 1_000;

/**
 * Checks a request against the current options of its account, if the provider reports them.
 * @throws ProviderError `rejected`, which names the fix; what cannot be checked now is checked before the publish
 */
export type AskAccount = (poster: Poster, read: Pick<ReadRequest, 'request' | 'file'>) => Promise<void>;

type Check = Awaited<ReturnType<AccountCheck['ask']>>;

/** Makes the check, with a cache for this process. */
export function createAccountChecks(deps: Deps): AskAccount {
  const recent = new Map<string, { until: number; check: Promise<Check | null> }>();

  /** @returns null if the provider cannot be asked now */
  async function ask(poster: Poster, { quota, ask: call }: AccountCheck): Promise<Check | null> {
    const { account } = poster;
    if (account.status !== 'active') return null;
    try {
      await takeQuota(deps, account, quota);
      return await callOnce(deps, account, call);
    } catch (error) {
      if (error instanceof ProviderError && error.kind === 'quota') await learn(poster, error);
      if (error instanceof ProviderError ? error.kind !== 'rejected' : error instanceof ApiError) return null;
      throw error;
    }
  }

  /** Some refusals of a post arrive as refusals of this call. */
  async function learn({ account, provider }: Poster, error: ProviderError): Promise<void> {
    const quota = provider.publishing.quotas.find(({ bucket }) => bucket === error.quota);
    if (quota === undefined) return;
    const askAgainAt = new Date(Date.now() + (error.retryAfterMs ?? HOUR));
    await learnLimit(deps.database.db, { accountId: account.id, postId: null }, quota, askAgainAt);
  }

  function checkOf(poster: Poster, rule: AccountCheck): Promise<Check | null> {
    const { id }: Account = poster.account;
    const known = recent.get(id);
    if (known !== undefined && known.until > Date.now()) return known.check;
    const check = ask(poster, rule);
    recent.delete(id);
    recent.set(id, { until: Date.now() + FRESH_MS, check });
    const [oldest] = recent.keys();
    if (recent.size > MOST && oldest !== undefined) recent.delete(oldest);
    // Do not cache a missing answer.
    const forget = (): void => void recent.delete(id);
    check.then((answer) => answer ?? forget(), forget);
    return check;
  }

  return async (poster, { request, file }) => {
    const rule = poster.provider.publishing.accountCheck;
    if (rule === undefined || !rule.concerns(request)) return;
    const check = await checkOf(poster, rule);
    check?.(request, file);
  };
}
