import type { Attempt } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { savePublishId } from '../db/publish-ids.ts';
import { linkPublished } from '../db/sync/link-posts.ts';
import { takeTurn } from '../db/sync/turn.ts';
import { asksForDetails, showingWrites, stateAfter, stepAfter } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import type { PostContext, Written } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { learnQuota } from './quota-turns.ts';
import { keyOf, type LoadedPost } from './loaded-post.ts';
import type { Deps } from './deps.ts';
import { closeOwnAttempt } from './own-attempt.ts';
import { applyVerdict } from './settle-verdict.ts';

/** A write that the provider carried out. */
interface Accepted {
  loaded: LoadedPost;
  step: string;
  attempt: Attempt;
  /** Whether the answer arrived, or was lost and the write was looked up. */
  from: 'sent' | 'unknown';
  written: Written;
  context: PostContext;
}

/** Records the result of a write. @returns what it means for the post */
export async function recordAccepted(deps: Deps, write: Accepted): Promise<StepOutcome> {
  const state = await closeAccepted(deps, write);
  const { plan, publishId } = write.loaded.post;
  if (state !== null) return { kind: 'settled', state };
  return (
    (await decidedAlready(deps, write)) ?? {
      kind: 'done',
      state: stateAfter(plan, write.step),
      publishId: write.written.publishId ?? publishId,
    }
  );
}

/**
 * The outcome, the ids that it brought, and the end of the post if the plan ends here, are one commit, made before
 * anything else is sent.
 * @returns the final state; null: the plan goes on
 */
async function closeAccepted(
  { db, envelope }: Deps,
  { loaded, step, attempt, from, written }: Accepted,
): Promise<string | null> {
  const { post } = loaded;
  const secretEncrypted =
    written.secret === undefined
      ? null
      : await envelope.seal(keyOf(loaded), written.secret, {
          table: 'publish_attempts',
          column: 'secret_encrypted',
          row: attempt.id,
          version: 1,
        });
  const next = stepAfter(post.plan, step);
  const shows = showingWrites(post.plan).includes(step);
  return db.transaction(async (tx) => {
    // The turn before every lock, like all writers of an account's copies.
    if (shows || next === null) await takeTurn(tx, post.oauthAccountId);
    await closeOwnAttempt(tx, attempt.id, from, {
      status: 'accepted',
      providerRef: refOf(written),
      secretEncrypted,
      logId: written.logId,
    });
    const { publishId } = written;
    const made = publishId === undefined ? {} : { publishId };
    await savePost(tx, post.id, { state: stateAfter(post.plan, step), phase: null, ...made });
    if (publishId !== undefined) await savePublishId(tx, post, publishId);
    if (shows)
      await linkPublished(
        tx,
        post,
        [refOf(written)].filter((ref) => ref !== null),
      );
    if (next !== null) return null;
    const providerPostId = written.providerPostId ?? null;
    return applyVerdict({ db: tx }, loaded, { kind: 'published', status: 'PUBLISHED', providerPostId });
  });
}

/** The id of a write's result. */
const refOf = ({ publishId, partId, providerPostId }: Written): string | null =>
  publishId ?? partId ?? providerPostId ?? null;

/** The answer to the next step's question is often known already. Nothing depends on asking. */
async function decidedAlready(
  deps: Deps,
  { loaded, step, written, context }: Accepted,
): Promise<StepOutcome | null> {
  const next = stepAfter(loaded.post.plan, step);
  if (!asksForDetails(next)) return null;
  const ref = refOf(written);
  const made = ref === null ? loaded.made : { ...loaded.made, [step]: ref };
  const publishId = written.publishId ?? context.publishId;
  try {
    const verdict = await loaded.publishing.verdict(next.name, { ...context, made, publishId });
    if (verdict.kind !== 'published') return null;
    return { kind: 'settled', state: await applyVerdict(deps, loaded, verdict) };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await learnQuota(deps, loaded, error);
    return null;
  }
}
