import { markLost, takenReplies } from '../db/comment-actions.ts';
import { databaseTime } from '../db/time.ts';
import { MINUTE, SECOND } from '../durations.ts';
import { ProviderError } from '../providers/errors.ts';
import type { ActionOutcome } from '../temporal/contract.ts';
import type { Deps } from './deps.ts';
import { ended, LOST } from './moderation-ends.ts';
import { afterError, afterRefusal, begin, done, type Performance } from './moderation-send.ts';

/*
 * Sends replies: once in effect. The row says `sent` before the call; after a lost answer, and after a crash, the reply is
 * looked for at once and after a minute before it is sent again.
 */

/** How long a reply may take to appear. */
const APPEARS_WITHIN = MINUTE;
/** A platform that takes replies, and neither answers nor shows them, is not sent more. */
const MOST_SENDS = 5;

export async function sendReply(deps: Deps, performance: Performance): Promise<ActionOutcome> {
  const { action } = performance;
  if (action.state !== 'accepted') {
    const outcome = await lookFor(deps, performance);
    if (outcome !== null) return outcome;
  }
  return (await begin(deps, action)) ?? send(deps, performance);
}

async function send(deps: Deps, performance: Performance): Promise<ActionOutcome> {
  const { action, reader, moderation } = performance;
  let providerRef: string | null;
  try {
    ({ providerRef } = await moderation.act(await asked(deps, performance), reader.call));
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.kind !== 'unknown') return afterRefusal(deps, performance, error);
    await markLost(deps.db, action.id);
    return { kind: 'wait', ms: SECOND, why: 'Looks for the reply, because its answer was lost' };
  }
  return done(deps, performance, providerRef);
}

/** Looks for a reply whose answer was lost. @returns null if it is to be sent again */
async function lookFor(deps: Deps, performance: Performance): Promise<ActionOutcome | null> {
  const { action, reader, moderation } = performance;
  const lost = (): Promise<ActionOutcome> => ended(deps, action, LOST);
  if (action.state === 'sent') await markLost(deps.db, action.id);
  if (moderation.find === undefined) return lost();
  try {
    const providerRef = await moderation.find(await asked(deps, performance), reader.call);
    if (providerRef !== null) return await done(deps, performance, providerRef);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return afterError(performance, error, (reason) => ended(deps, action, reason));
  }
  const now = await databaseTime(deps.db);
  const ms = (action.lastSentAt?.getTime() ?? 0) + APPEARS_WITHIN - now.getTime();
  if (ms > 0) return { kind: 'wait', ms, why: 'Looks for the reply again before it is sent again' };
  return action.tries >= MOST_SENDS ? lost() : null;
}

async function asked({ db }: Deps, { action, subject }: Performance) {
  const { kind, text, sentAt } = action;
  return { kind, subject, text, sentAt, taken: await takenReplies(db, action) };
}
