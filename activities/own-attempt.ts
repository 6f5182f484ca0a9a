import { type Attempt, type AttemptOutcome, closeAttempt, markSent } from '../db/attempts.ts';
import type { Db } from '../db/client.ts';
import { releaseQuotas } from '../db/quotas.ts';
import type { Quota } from '../providers/quotas.ts';
import { notYet } from './failures.ts';

/*
 * The attempt of the current try of an activity. A try that Temporal has abandoned may still run: it must not send, and
 * its results no longer count.
 */

/** Closes the attempt with its outcome. @throws ApplicationFailure if another try has closed it */
export async function closeOwnAttempt(
  db: Db,
  id: string,
  from: 'prepared' | 'sent' | 'unknown',
  outcome: AttemptOutcome,
): Promise<void> {
  if (!(await closeAttempt(db, id, from, outcome))) throw takenOverFailure();
}

/**
 * Closes the attempt and releases the uses of quotas that do not count, in one commit: otherwise a crash in between
 * would keep them taken.
 * @throws ApplicationFailure if another try has closed it
 */
export function endOwnAttempt(
  db: Db,
  { id, postId }: Attempt,
  from: 'prepared' | 'sent',
  outcome: AttemptOutcome,
  unused: readonly Quota[],
): Promise<void> {
  return db.transaction(async (tx) => {
    await closeOwnAttempt(tx, id, from, outcome);
    await releaseQuotas(tx, postId, unused);
  });
}

/** Records that the write is being sent. @throws ApplicationFailure if another try is sending it or has closed it */
export async function markOwnSent(db: Db, id: string): Promise<void> {
  if (!(await markSent(db, id))) throw takenOverFailure();
}

const takenOverFailure = () => notYet('TakenOver', 'another try has taken this one for lost', 1000);
