import { beginSending, type CommentAction, takeBack } from '../db/comment-actions.ts';
import type { Comment } from '../db/content/comments.ts';
import type { PostError } from '../db/schema.ts';
import { type Moderated, saveDone } from '../db/sync/moderated.ts';
import { databaseClock } from '../db/time.ts';
import { MINUTE, SECOND } from '../durations.ts';
import { ProviderError } from '../providers/errors.ts';
import type { ActionSubject, Moderation } from '../providers/reading.ts';
import type { ActionOutcome } from '../temporal/contract.ts';
import type { Deps } from './deps.ts';
import { postError, tryAgain } from './failures.ts';
import { ended, RECONNECT } from './moderation-ends.ts';
import type { Reader } from './sync/reader.ts';

/* Carries out actions that may be repeated, and reads the answers to all actions. */

/** An action, and what it needs. */
export interface Performance {
  readonly action: CommentAction;
  readonly reader: Reader;
  readonly moderation: Moderation;
  readonly subject: ActionSubject;
  readonly comment: Comment;
  readonly row: Moderated['row'];
  /** The token was just renewed. */
  readonly renewed: boolean;
}

/** Hides, deletes, likes ...: to do it again changes nothing. */
export async function carryOut(deps: Deps, performance: Performance): Promise<ActionOutcome> {
  const { action, reader, moderation, subject } = performance;
  const { kind } = action;
  const wait = action.state === 'sent' ? null : await begin(deps, action);
  if (wait !== null) return wait;
  try {
    const asked = { kind, subject, text: null, sentAt: action.sentAt, taken: [] };
    await moderation.act(asked, reader.call);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    // The state stays `sent`: the next try may meet what this one did.
    if (error.kind === 'unknown') throw tryAgain(error);
    if (!isGone(performance, error)) return afterRefusal(deps, performance, error);
  }
  return done(deps, performance, null);
}

/** A deletion whose answer was lost, or of what we know to be gone, finds nothing to delete. */
function isGone({ action, comment }: Performance, { kind }: ProviderError): boolean {
  const wasSent = action.state === 'sent' || comment.removedAt !== null;
  return action.kind === 'delete' && kind === 'gone' && wasSent;
}

const BUSY_PAUSE = 5 * SECOND;

/** Records that an action is about to be sent. @returns why it has to wait; null: it may be sent */
export async function begin({ db }: Deps, action: CommentAction): Promise<ActionOutcome | null> {
  switch (await beginSending(db, action)) {
    case 'begun':
      return null;
    case 'busy':
      return { kind: 'wait', ms: BUSY_PAUSE, why: 'An earlier action is under way' };
    case 'changed':
      return { kind: 'wait', ms: SECOND, why: 'Another worker has this action' };
  }
}

/** Records success. @param providerRef the provider's id of a reply */
export async function done(
  { db }: Deps,
  { action: { id, kind, text }, reader: { account, copies }, comment, row }: Performance,
  providerRef: string | null,
): Promise<ActionOutcome> {
  const readAt = await databaseClock(db);
  await saveDone(db, { account, copies, comment, row }, { id, kind, text, providerRef, readAt });
  return { kind: 'ended', state: 'done' };
}

/** The outcome after the provider has refused a send: it had no effect. */
export async function afterRefusal(
  deps: Deps,
  performance: Performance,
  error: ProviderError,
): Promise<ActionOutcome> {
  const { action } = performance;
  await takeBack(deps.db, action.id);
  const isFirst = action.kind !== 'reply' || action.tries === 0;
  const fail = (reason: PostError): Promise<ActionOutcome> =>
    ended(deps, { ...action, state: isFirst ? 'accepted' : 'unknown' }, reason);
  return afterError(performance, error, fail);
}

/** What to do after an error that left everything as it was. */
export async function afterError(
  { reader: { account }, renewed }: Performance,
  error: ProviderError,
  fail: (reason: PostError) => Promise<ActionOutcome>,
): Promise<ActionOutcome> {
  switch (error.kind) {
    case 'token':
      return renewed ? fail(RECONNECT) : { kind: 'token_refused', tokenVersion: account.tokenVersion };
    case 'quota':
      return { kind: 'wait', ms: Math.max(SECOND, error.retryAfterMs ?? MINUTE), why: error.code };
    case 'grant':
    case 'account':
    case 'rejected':
    case 'gone':
      return fail(postError(error));
    case 'unavailable':
    case 'unknown':
      throw tryAgain(error);
  }
}
