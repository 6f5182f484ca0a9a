import type { Account } from '../db/accounts.ts';
import { learnLimit } from '../db/quotas.ts';
import type { MediaFacts } from '../providers/publishing.ts';
import { ProviderError } from '../providers/errors.ts';
import { checkAgainstCreator, checkAudit, type CreatorInfo } from '../providers/tiktok/creator.ts';
import type { TikTokRequest } from '../providers/tiktok/request.ts';
import { HOUR } from '../durations.ts';
import type { Deps } from './deps.ts';
import { ApiError } from './errors.ts';
import { callOnce, takeQuota } from './provider-call.ts';

/** TikTok allows 20 of these calls a minute (tiktok-facts 4.1): a hundred posts at once share one. */
const FRESH_MS = 20_000;
const MOST = 1_000;

/** Checks posts against the creator's options before they are accepted. */
export function createCreatorCheck(deps: Deps) {
  const recent = new Map<string, { until: number; info: Promise<CreatorInfo | null> }>();

  /** @returns null if TikTok cannot be asked now: the publish itself asks again */
  async function ask(account: Account): Promise<CreatorInfo | null> {
    const { tiktok } = deps.providers;
    if (tiktok === null || account.status !== 'active') return null;
    try {
      await takeQuota(deps, account, tiktok.quotas.creatorInfo);
      return await callOnce(deps, account, (accessToken, signal) => tiktok.creatorInfo(accessToken, signal));
    } catch (error) {
      if (error instanceof ProviderError && error.kind === 'quota') await learn(account, error);
      if (error instanceof ProviderError ? error.kind !== 'rejected' : error instanceof ApiError) return null;
      throw error;
    }
  }

  /** Some refusals of a post arrive as refusals of creator info (tiktok-facts 4.2). */
  async function learn(account: Account, error: ProviderError): Promise<void> {
    const quota = deps.providers.tiktok?.publishing.quotas.find(({ bucket }) => bucket === error.quota);
    if (quota === undefined) return;
    const askAgainAt = new Date(Date.now() + (error.retryAfterMs ?? HOUR));
    await learnLimit(deps.database.db, { accountId: account.id, postId: null }, quota, askAgainAt);
  }

  function infoOf(account: Account): Promise<CreatorInfo | null> {
    const known = recent.get(account.id);
    if (known !== undefined && known.until > Date.now()) return known.info;
    const info = ask(account);
    recent.delete(account.id);
    recent.set(account.id, { until: Date.now() + FRESH_MS, info });
    const [oldest] = recent.keys();
    if (recent.size > MOST && oldest !== undefined) recent.delete(oldest);
    // Do not cache a missing answer.
    const forget = (): void => void recent.delete(account.id);
    info.then((answer) => answer ?? forget(), forget);
    return info;
  }

  /** @throws ProviderError `rejected`, which names the fix; what cannot be checked now is checked before the publish */
  return async function checkAgainstCreatorInfo(
    account: Account,
    request: TikTokRequest,
    media: MediaFacts | null,
  ): Promise<void> {
    if (request.mode !== 'direct') return;
    const audited = deps.providers.tiktok?.audited ?? false;
    checkAudit(audited, request, null);
    const info = await infoOf(account);
    if (info === null) return;
    checkAudit(audited, request, info);
    checkAgainstCreator(request, info, media);
  };
}
