import { supersedeAttempts } from '../db/attempts.ts';
import type { Db } from '../db/client.ts';
import { onlyShown, releaseQuotas } from '../db/quotas.ts';
import { firstOf } from '../plan.ts';
import type { Verdict } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import type { Deps } from './deps.ts';
import type { LoadedPost } from './loaded-post.ts';
import { applyVerdict } from './settle-verdict.ts';

/** How often what was made and lost is made again. */
const MOST_TIMES = 3;

/** What the steps made is of no use: they are performed again, a few times. */
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
 * What the steps made is of no use any more, and neither are the places that were taken for it.
 * @returns how often it has happened to the one of them that it happened to most
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
