import { listAttempts } from '../db/attempts.ts';
import { savePost, saveStatus, settlePost } from '../db/posts.ts';
import { releaseQuotas } from '../db/quotas.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Verdict } from '../providers/provider.ts';
import { learnQuota, type LoadedPost, loadPost, openPost, takeTurn } from './access.ts';
import { alive, tryNumber } from './alive.ts';
import { isFinal } from '../db/schema.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import type { StepOutcome } from './outcome.ts';

/** Pauses between polls, in seconds; the last one repeats. 30 calls a minute are shared by a token's posts (sheet tiktok 7). */
const POLL_SECONDS = [1, 2, 2, 3, 5, 5, 10, 20, 20, 30, 60, 60, 120] as const;

/** Asks the provider where a post stands. "Not decided yet" is a failure that Temporal retries: history does not grow. */
export const createVerdictActivities = (deps: Deps) => ({
  awaitVerdict: ({ postId }: { postId: string; step: string }): Promise<StepOutcome> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      if (isFinal(loaded.post.state)) return { kind: 'settled', state: loaded.post.state };
      if (await isTooLong(deps, postId))
        return { kind: 'given_up', why: 'the provider did not decide within a day' };
      const access = await openPost(deps, loaded, signal, 'processing');
      if ('blocked' in access) return access.blocked;
      await takeTurn(deps, loaded, 'verdict');
      try {
        const verdict = await loaded.provider.publishing.verdict(access.context);
        if (verdict.kind !== 'pending')
          return { kind: 'settled', state: await applyVerdict(deps, loaded, verdict) };
        await saveStatus(deps.db, postId, verdict.status);
        const ms = (POLL_SECONDS[tryNumber() - 1] ?? 120) * 1000;
        await savePost(deps.db, postId, {
          phase: 'verdict',
          next: { step: 'verdict', at: new Date(Date.now() + ms) },
        });
        throw notYet('NotDecided', `the provider says ${verdict.status}`, ms);
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        return unanswered(loaded, error);
      }
    }),
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Whether the provider has had its day since the last write. */
async function isTooLong({ db }: Deps, postId: string): Promise<boolean> {
  const [newest] = await listAttempts(db, postId);
  return newest?.finishedAt != null && newest.finishedAt.getTime() < Date.now() - DAY_MS;
}

/** Takes posts back that the provider has not finished. */
export const createRecallActivities = (deps: Deps) => ({
  /** @returns whether the provider dropped the post; false: too late, or it cannot be asked */
  recallPost: ({ postId }: { postId: string }): Promise<boolean> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      const access = await openPost(deps, loaded, signal, 'processing');
      if ('blocked' in access) return false;
      try {
        return await loaded.provider.publishing.recall(access.context);
      } catch (error) {
        throw error instanceof ProviderError ? tryAgain(error) : error;
      }
    }),
});

/** Notes a verdict, whoever brought it. @returns the state of the post */
export async function applyVerdict(
  deps: Pick<Deps, 'db'>,
  loaded: LoadedPost,
  verdict: Exclude<Verdict, { kind: 'pending' }>,
): Promise<string> {
  const { db } = deps;
  const { post, account, provider } = loaded;
  switch (verdict.kind) {
    case 'published': {
      const { providerPostId, status } = verdict;
      const permalink =
        providerPostId === null
          ? null
          : provider.publishing.permalink(post.request, account.username, providerPostId);
      return (await settlePost(db, post.id, { state: 'published', status, providerPostId, permalink })).state;
    }
    case 'delivered':
      return (await settlePost(db, post.id, { state: 'delivered', status: verdict.status })).state;
    case 'failed':
      if (verdict.error.quota !== null && !isFinal(post.state)) {
        const refused = provider.publishing.quotas.filter(({ bucket }) => bucket === verdict.error.quota);
        await releaseQuotas(db, post.id, refused);
        await learnQuota(deps, loaded, verdict.error, new Date(Date.now() + HOUR_MS));
      }
      return (
        await settlePost(db, post.id, {
          state: 'failed',
          status: verdict.status,
          error: postError(verdict.error),
        })
      ).state;
  }
}

/** The post is at the provider: whatever goes wrong with asking is no end of it. */
function unanswered({ account }: LoadedPost, error: ProviderError): StepOutcome {
  switch (error.kind) {
    case 'token':
      return { kind: 'token_refused', tokenVersion: account.tokenVersion };
    case 'account':
    case 'grant':
      return { kind: 'wait', state: 'processing', ms: HOUR_MS, why: error.userMessage };
    default:
      throw tryAgain(error);
  }
}
