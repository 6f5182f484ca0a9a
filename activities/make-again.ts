import { supersedeAttempts } from '../db/attempts.ts';
import type { Db } from '../db/client.ts';
import { onlyShown, releaseQuotas } from '../db/quotas.ts';
import { firstOf } from '../plan.ts';
import type { Verdict } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import type { Deps } from './deps.ts';
import type { LoadedPost } from './loaded-post.ts';
import { applyVerdict } from './settle-verdict.ts';

/** How often lost results are made again. */
const MOST_TIMES = 3;

/** The results of the steps are useless: the steps are repeated, a few times. */
export async function makeAgain(
  deps: Deps,
  loaded: LoadedPost,
  { steps, status, error }: Omit<Extract<Verdict, { kind: 'gone' }>, 'kind'>,
): Promise<StepOutcome> {
  const { post } = loaded;
  const first = firstOf(post.plan, steps);
  const times = await giveUpMade(deps.db, loaded, steps, status);
  if (times > MOST_TIMES)
    return { kind: 'settled', state: await applyVerdict(deps, loaded, { kind: 'failed', status, error }) };
  return { kind: 'repeat', step: first.name, ms: times ** 2 * 2_000, why: error.message };
}

/**
 * Discards the results of steps, and the quota places that were taken for them.
 * @returns the highest number of times that one of them has been discarded
 */
export async function giveUpMade(
  db: Db,
  loaded: LoadedPost,
  steps: readonly string[],
  errorCode: string,
): Promise<number> {
  return db.transaction(async (tx) => {
    const { superseded, times } = await supersedeAttempts(tx, loaded.post.id, steps, errorCode);
    const quotas = superseded.flatMap((step) => loaded.publishing.quotasOf(step));
    await releaseQuotas(tx, loaded.post.id, onlyShown(quotas));
    return times;
  });
}
