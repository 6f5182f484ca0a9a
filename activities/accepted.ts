import { accountKey } from '../db/tokens.ts';
import { type Attempt, closeAttempt } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { asksForDetails, stateAfter, stepAfter } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import type { PostContext, Written } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { learnQuota } from './access.ts';
import { type LoadedPost, loadPost } from './loaded-post.ts';
import type { Deps } from './deps.ts';
import { takenOver } from './failures.ts';
import { applyVerdict } from './verdict.ts';

/** A write that the provider has carried out. */
interface Accepted {
  loaded: LoadedPost;
  step: string;
  attempt: Attempt;
  /** Whether its answer came, or was lost and looked up. */
  from: 'sent' | 'unknown';
  written: Written;
  context: PostContext;
}

/** Notes what a write has made. @returns what that means for the post */
export async function accepted(deps: Deps, write: Accepted): Promise<StepOutcome> {
  await close(deps, write);
  const { plan, publishId, id } = write.loaded.post;
  return (
    (await decidedAlready(deps, id, write)) ?? {
      kind: 'done',
      state: stateAfter(plan, write.step),
      publishId: write.written.publishId ?? publishId,
    }
  );
}

/** The outcome and the ids that it brought are one commit, made before anything else is sent. */
async function close(
  { db, envelope }: Deps,
  { loaded: { post, account }, step, attempt, from, written }: Accepted,
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
  if (!counted) throw takenOver();
}

/** What the next step would ask for is often decided already. Nothing depends on the answer. */
async function decidedAlready(
  deps: Deps,
  postId: string,
  { step, context }: Accepted,
): Promise<StepOutcome | null> {
  const loaded = await loadPost(deps, postId);
  const { post, made } = loaded;
  const next = stepAfter(post.plan, step);
  if (!asksForDetails(next)) return null;
  try {
    const verdict = await loaded.publishing.verdict(next.name, { ...context, made });
    if (verdict.kind !== 'published') return null;
    return { kind: 'settled', state: await applyVerdict(deps, loaded, verdict) };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await learnQuota(deps, loaded, error);
    return null;
  }
}
