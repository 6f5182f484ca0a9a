import { postById } from '../db/posts.ts';
import { releaseQuotas } from '../db/quotas.ts';
import { isFinal } from '../db/schema.ts';
import { saveSettlement } from '../db/settlements.ts';
import type { FinalVerdict } from '../providers/publishing.ts';
import { learnQuota } from './quota-turns.ts';
import type { Deps } from './deps.ts';
import { postError } from './failures.ts';
import type { LoadedPost } from './loaded-post.ts';

/** Records a verdict, from a webhook or a call. @returns the state of the post */
export async function applyVerdict(
  deps: Pick<Deps, 'db'>,
  loaded: LoadedPost,
  verdict: FinalVerdict,
): Promise<string> {
  const { db } = deps;
  const { post, account, provider } = loaded;
  switch (verdict.kind) {
    case 'published': {
      const { providerPostId, status } = verdict;
      const permalink =
        verdict.permalink !== undefined || providerPostId === null
          ? (verdict.permalink ?? null)
          : loaded.publishing.permalink(account.username, providerPostId);
      return (await saveSettlement(db, post.id, { state: 'published', status, providerPostId, permalink }))
        .state;
    }
    case 'delivered':
      return (await saveSettlement(db, post.id, { state: 'delivered', status: verdict.status })).state;
    case 'failed':
      // The recall may have been sent while the verdict was on its way.
      if (verdict.dropped === true && (await postById(db, post.id)).recalledAt !== null)
        return (await saveSettlement(db, post.id, { state: 'cancelled', status: verdict.status })).state;
      if (verdict.error.quota !== null && !isFinal(post.state)) {
        const refused = provider.publishing.quotas.filter(({ bucket }) => bucket === verdict.error.quota);
        await releaseQuotas(db, post.id, refused);
        await learnQuota(deps, loaded, verdict.error);
      }
      return (
        await saveSettlement(db, post.id, {
          state: 'failed',
          status: verdict.status,
          error: postError(verdict.error),
        })
      ).state;
  }
}
