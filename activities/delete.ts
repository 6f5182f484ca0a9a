import { openAccessToken } from '../crypto/tokens.ts';
import { liveIds, saveDeletionWait, settleDeletion } from '../db/deletions.ts';
import { reserveQuotas } from '../db/quotas.ts';
import type { PostError } from '../db/schema.ts';
import { ProviderError } from '../providers/errors.ts';
import type { DeletionOutcome } from '../temporal/contract.ts';
import { POST_PATIENCE } from '../patience.ts';
import { refusedUntil } from './open-post.ts';
import { learnQuota } from './quota-turns.ts';
import { keyOf, type LoadedPost, loadPost } from './loaded-post.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { postError, tryAgain } from './failures.ts';

/** Deletes the live parts of a post. Repeating a deletion is harmless, so one whose answer was lost is repeated. */
export const createDeleteActivities = (deps: Deps) => ({
  /**
   * Takes the quota for a whole deletion, once, and lists the parts to delete: the last one first, so that no reply is
   * left without its parent.
   */
  async beginDeletion({ postId }: { postId: string }): Promise<DeletionOutcome> {
    const { db } = deps;
    const loaded = await loadPost(deps, postId);
    const { post, account } = loaded;
    if (post.deletionRequestedAt === null || post.deletedAt !== null || post.deletionError !== null)
      return { kind: 'done' };
    if (isOverdue(loaded)) return refusalOf('deadline', 'the deletion waited for 72 hours', LATER);
    const ids = await liveIds(db, post);
    if (ids === null) throw new Error('what is live of the post has no known id');
    const { quota } = deletionOf(loaded);
    // Held: an interrupted try gives back what it took.
    const taker = { accountId: account.id, postId, held: true };
    const full = await reserveQuotas(db, taker, Array(ids.length).fill(quota));
    if (full === null) return { kind: 'ready', ids: ids.toReversed() };
    return saveWait(deps, loaded, full.askAgainAt, `Waits for the quota ${full.quota}`);
  },

  /** @param renewed whether the token was just renewed: if it is refused, it is not renewed again */
  deletePiece: ({
    postId,
    id,
    renewed,
  }: {
    postId: string;
    id: string;
    renewed: boolean;
  }): Promise<DeletionOutcome> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      const { account } = loaded;
      if (isOverdue(loaded)) return refusalOf('deadline', 'the deletion waited for 72 hours', LATER);
      if (account.status !== 'active' || account.accessTokenEncrypted === null)
        return refusalOf('reauth_required', `the account is ${account.status}`, RECONNECT);
      const until = refusedUntil(loaded);
      if (until !== null) return saveWait(deps, loaded, until, 'the provider takes no calls for the account');
      const accessToken = await openAccessToken(
        deps.envelope,
        keyOf(loaded),
        account,
        account.accessTokenEncrypted,
      );
      try {
        await deletionOf(loaded).remove(id, { openId: account.openId, accessToken, signal });
        return { kind: 'done' };
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        return outcomeOf(deps, loaded, error, renewed);
      }
    }),

  /** Records how a deletion ended. @param error null: no part of the post is live any more */
  settleDeletion: ({ postId, error }: { postId: string; error: PostError | null }): Promise<void> =>
    settleDeletion(deps.db, postId, error),
});

const LATER = 'The platform did not delete the post in time. Delete it in the platform’s app, or try again.';
const RECONNECT = 'The connection to this account has ended. Connect it again, then delete the post again.';

function deletionOf({ provider }: LoadedPost) {
  if (provider.deletion === undefined) throw new Error(`${provider.name} deletes no posts`);
  return provider.deletion;
}

function isOverdue({ post: { deletionRequestedAt } }: LoadedPost): boolean {
  return (deletionRequestedAt?.getTime() ?? 0) < Date.now() - POST_PATIENCE;
}

/** The outcome of the deletion after a provider's refusal. */
async function outcomeOf(
  deps: Deps,
  loaded: LoadedPost,
  error: ProviderError,
  renewed: boolean,
): Promise<DeletionOutcome> {
  switch (error.kind) {
    case 'token':
      return renewed
        ? refusalOf('reauth_required', 'the provider refuses a fresh token', RECONNECT)
        : { kind: 'token_refused', tokenVersion: loaded.account.tokenVersion };
    case 'quota': {
      const { askAgainAt } = await learnQuota(deps, loaded, error);
      return saveWait(deps, loaded, askAgainAt, error.message);
    }
    case 'grant':
    case 'account':
    case 'rejected':
      return { kind: 'refused', error: postError(error) };
    case 'unavailable':
    case 'gone':
    case 'unknown':
      throw tryAgain(error);
  }
}

async function saveWait({ db }: Deps, { post }: LoadedPost, at: Date, why: string): Promise<DeletionOutcome> {
  await saveDeletionWait(db, post.id, at);
  return { kind: 'wait', ms: Math.max(1000, at.getTime() - Date.now()), why };
}

function refusalOf(code: string, message: string, userMessage: string): DeletionOutcome {
  return { kind: 'refused', error: { code, message, userMessage, retryable: true, details: {} } };
}
