import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import {
  acceptAction,
  type AcceptedAction,
  actionById,
  type CommentAction,
  earlierAction,
  hasEnded,
  isUnderWay,
  lastDone,
  markActionStarted,
  type NewAction,
} from '../db/comment-actions.ts';
import { findComment } from '../db/content/comments.ts';
import { tablesOf } from '../db/registry.ts';
import { databaseTime } from '../db/time.ts';
import { MINUTE } from '../durations.ts';
import { type ActionKind, pairOf } from '../reading.ts';
import { startAction } from '../temporal/actions.ts';
import type { AskAccount } from './account-checks.ts';
import { hashOf } from './canonical.ts';
import { hindranceOf, type WholeComment, wholeComments } from './comment-view.ts';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { requirePermission } from './new-post.ts';
import { draftReply, saveReply } from './reply-post.ts';
import { startAccepted } from './submit.ts';
import { tell } from './temporal.ts';

/** A request to do something to a comment. */
export interface ActionRequest {
  userId: string;
  commentId: string;
  kind: ActionKind;
  /** Of a reply. */
  text: string | null;
  idempotencyKey: string | null;
  requestId: string;
}

/**
 * Records an action, and starts it; what is refused was sent to nobody.
 * @throws ApiError `not_found`, `account_not_active`, `comment_removed`, `not_supported`, `permission_missing`,
 *   `idempotency_key_reused`
 */
export async function moderate(
  deps: Deps,
  log: FastifyBaseLogger,
  askAccount: AskAccount,
  request: ActionRequest,
): Promise<{ action: CommentAction; replayed: boolean }> {
  const { db } = deps.database;
  const { userId, commentId, kind, text, idempotencyKey, requestId } = request;
  const requestHash = hashOf([kind, commentId, text]);
  // A replay gets its answer, whatever has happened to the comment since.
  const earlier =
    idempotencyKey === null ? null : await earlierAction(db, userId, idempotencyKey, requestHash);
  if (earlier !== null) return replayOf(earlier);

  const comment = await findComment(db, userId, commentId);
  const [whole] = comment === null ? [] : await wholeComments(deps, userId, [comment]);
  if (whole === undefined) throw apiError('not_found');
  refuse(deps, whole, kind);
  const so = await isSo(deps, whole, kind);
  const row: NewAction = {
    userId,
    oauthAccountId: whole.account.id,
    idempotencyKey,
    kind,
    subject: commentId,
    requestHash,
    text,
    repeat: so !== 'no',
    done: so === 'fresh',
    requestId,
  };
  const draft = text === null ? null : await draftReply(deps, askAccount, whole, text);
  if (draft !== null) {
    const { post, ...accepted } = await saveReply(db, row, draft);
    if (post !== null) await startAccepted(deps, log, post);
    return replayOf(accepted);
  }
  const accepted = await acceptAction(db, row);
  if (accepted.outcome === 'created' && !row.done) await start(deps, log, accepted.action);
  return replayOf(accepted);
}

function replayOf({ outcome, action }: AcceptedAction): { action: CommentAction; replayed: boolean } {
  if (outcome === 'key_reused')
    throw apiError('idempotency_key_reused', { details: { actionId: action.id } });
  return { action, replayed: outcome === 'replayed' };
}

async function start({ database: { db }, temporal }: Deps, log: FastifyBaseLogger, action: CommentAction) {
  if (await tell(temporal, log, `moderateComment of ${action.id}`, () => startAction(temporal, action)))
    await markActionStarted(db, action.id);
}

/** @throws ApiError if it cannot be done */
function refuse(deps: Deps, whole: WholeComment, kind: ActionKind): void {
  const { account, comment } = whole;
  if (account.status !== 'active') throw apiError('account_not_active');
  const { removedAt, removedReason } = comment;
  // To delete what is gone is a repetition.
  if (removedAt !== null && kind === 'delete') return;
  if (removedAt !== null)
    throw apiError('comment_removed', { details: { removedAt: removedAt.toISOString(), removedReason } });
  const hindrance = hindranceOf(deps, whole, kind);
  if (hindrance === null) return;
  if (hindrance.code === 'account_not_active') throw apiError('account_not_active');
  if (hindrance.code === 'not_supported') {
    const { reason, message, userMessage } = hindrance;
    throw apiError('not_supported', { message, userMessage, details: { reason } });
  }
  const provider = deps.providers.find(account.provider, account.method);
  if (provider === null) throw apiError('provider_not_configured');
  requirePermission({ account, provider }, hindrance.needs);
}

/** Our word counts for so long without a call. */
const FRESH = MINUTE;

/**
 * Whether the comment is as the action would make it, as far as we know: by its copy, or by the last action where the
 * copy does not say it.
 */
async function isSo(
  { database: { db } }: Deps,
  { account, comment, row }: WholeComment,
  kind: ActionKind,
): Promise<'no' | 'so' | 'fresh'> {
  if (kind === 'reply') return 'no';
  if (kind === 'delete') return comment.removedAt === null ? 'no' : 'fresh';
  // What is under way may still change it.
  if (await isUnderWay(db, account.id, comment.id, pairOf(kind))) return 'no';
  const made = tablesOf(account.provider).copies?.comments?.acted?.[kind];
  let since: Date | null;
  if (made === undefined) {
    const last = await lastDone(db, account.id, comment.id, pairOf(kind));
    since = last?.kind === kind ? last.updatedAt : null;
  } else {
    const is =
      kind === 'hide' || kind === 'unhide'
        ? comment.hidden === (kind === 'hide')
        : Object.entries(made).every(([property, value]) => row[property] === value);
    since = is ? comment.readAt : null;
  }
  if (since === null) return 'no';
  const now = await databaseTime(db);
  return now.getTime() - since.getTime() < FRESH ? 'fresh' : 'so';
}

/** As long as a caller waits for an answer. */
const ANSWER_MS = 8_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;

/** Waits until an action has ended, or for some seconds. @returns it as it is then */
export async function settledSoon({ database: { db } }: Deps, action: CommentAction): Promise<CommentAction> {
  const end = performance.now() + ANSWER_MS;
  let now = action;
  let pause = FIRST_PAUSE_MS;
  while (!hasEnded(now) && performance.now() < end) {
    await sleep(pause);
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    const read = await actionById(db, action.id);
    if (read === null) throw apiError('not_found');
    now = read;
  }
  return now;
}
