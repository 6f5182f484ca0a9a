import { accountKey } from '../db/accounts.ts';
import { type Attempt, closeAttempt, listAttempts } from '../db/attempts.ts';
import { savePost, settlePost } from '../db/posts.ts';
import { ProviderError } from '../providers/errors.ts';
import type { PostContext, Written } from '../providers/provider.ts';
import { type LoadedPost, loadPost, openPost } from './access.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import type { StepOutcome } from './outcome.ts';
import { stateAfter } from './plan.ts';
import { applyVerdict } from './verdict.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * Finds out what became of a write whose answer was lost, if the provider can be asked; else only an event can tell.
 * @returns `again`: the provider itself says that nothing happened
 */
export async function reconcile(
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
export async function decidedAlready(
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

/** The outcome and the ids that it brought are one commit, made before anything else is sent. */
export async function closeAccepted(
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
