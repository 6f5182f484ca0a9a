import { type CommentAction, endAction } from '../db/comment-actions.ts';
import type { PostError } from '../db/schema.ts';
import type { ActionOutcome } from '../temporal/contract.ts';
import type { Deps } from './deps.ts';

/* How actions end that were not done. */

export function refusalOf(code: string, message: string, userMessage: string): PostError {
  return { code, message, userMessage, retryable: true, details: {} };
}

export const OVERDUE = refusalOf(
  'deadline',
  'the action waited for 72 hours',
  'The platform did not take this in time. Try again.',
);
export const RECONNECT = refusalOf(
  'reauth_required',
  'the account is out of service: reconnect it',
  'The connection to this account has ended. Connect it again, then try again.',
);
export const LOST = refusalOf(
  'outcome_unknown',
  'the platform did not answer, and does not show the reply',
  'It is not certain that the reply was sent. Look at the comment in the platform’s own app before you write it again.',
);

/** Ends an action without success. What was sent without an answer stays `unknown`, with the reason. */
export async function ended(
  { db }: Deps,
  action: Pick<CommentAction, 'id' | 'state' | 'kind'>,
  error: PostError,
): Promise<ActionOutcome> {
  const isUnclear = action.kind === 'reply' && (action.state === 'sent' || action.state === 'unknown');
  const state = isUnclear ? 'unknown' : 'failed';
  await endAction(db, action.id, { state, providerRef: null, error });
  return { kind: 'ended', state };
}
