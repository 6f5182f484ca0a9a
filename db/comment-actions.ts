import { and, asc, desc, eq, inArray, isNotNull, isNull, lt, ne, notInArray, or, sql } from 'drizzle-orm';
import { type ActionKind, pairOf } from '../reading.ts';
import type { Db } from './client.ts';
import { commentActions, type PostError } from './schema.ts';

/* Moderations of comments that clients asked for. */

export type CommentAction = typeof commentActions.$inferSelect;

export interface NewAction {
  userId: string;
  oauthAccountId: string;
  idempotencyKey: string | null;
  kind: ActionKind;
  subject: string;
  requestHash: string;
  text: string | null;
  repeat: boolean;
  /** It was so already, and was seen so a moment ago: nothing is to be done. */
  done: boolean;
  requestId: string | null;
}

export type AcceptedAction = {
  outcome: 'created' | 'replayed' /** With another body. */ | 'key_reused';
  action: CommentAction;
};

/** Records an action. The same key twice at once makes one. */
export async function acceptAction(tx: Db, { done, ...row }: NewAction): Promise<AcceptedAction> {
  const [action] = await tx
    .insert(commentActions)
    .values({ ...row, state: done ? 'done' : 'accepted' })
    .onConflictDoNothing()
    .returning();
  if (action !== undefined) return { outcome: 'created', action };
  const earlier =
    row.idempotencyKey === null
      ? null
      : await earlierAction(tx, row.userId, row.idempotencyKey, row.requestHash);
  if (earlier === null) throw new Error('an action conflicted with none');
  return earlier;
}

/** The action that was made with this key; null: none. */
export async function earlierAction(
  db: Db,
  userId: string,
  key: string,
  requestHash: string,
): Promise<AcceptedAction | null> {
  const [action] = await db
    .select()
    .from(commentActions)
    .where(and(eq(commentActions.userId, userId), eq(commentActions.idempotencyKey, key)));
  if (action === undefined) return null;
  return { outcome: action.requestHash === requestHash ? 'replayed' : 'key_reused', action };
}

/** A tenant's action. */
export async function findAction(db: Db, userId: string, id: string): Promise<CommentAction | null> {
  const [action] = await db
    .select()
    .from(commentActions)
    .where(and(eq(commentActions.userId, userId), eq(commentActions.id, id)));
  return action ?? null;
}

/** Any tenant's action, for workflows; null: it was deleted with its account's data. */
export async function actionById(db: Db, id: string): Promise<CommentAction | null> {
  const [action] = await db.select().from(commentActions).where(eq(commentActions.id, id));
  return action ?? null;
}

/** The newest of these actions that was done on a comment. */
export async function lastDone(
  db: Db,
  accountId: string,
  subject: string,
  kinds: readonly ActionKind[],
): Promise<CommentAction | null> {
  const [action] = await db
    .select()
    .from(commentActions)
    .where(
      and(
        eq(commentActions.oauthAccountId, accountId),
        eq(commentActions.subject, subject),
        inArray(commentActions.kind, [...kinds]),
        eq(commentActions.state, 'done'),
      ),
    )
    .orderBy(desc(commentActions.updatedAt))
    .limit(1);
  return action ?? null;
}

/** Whether one of these actions on a comment has not ended. @param before only older ones */
export async function isUnderWay(
  db: Db,
  accountId: string,
  subject: string,
  kinds: readonly ActionKind[],
  before?: CommentAction,
): Promise<boolean> {
  const [action] = await db
    .select({ id: commentActions.id })
    .from(commentActions)
    .where(
      and(
        eq(commentActions.oauthAccountId, accountId),
        eq(commentActions.subject, subject),
        inArray(commentActions.kind, [...kinds]),
        open,
        before &&
          sql`(${commentActions.createdAt}, ${commentActions.id}) < (
          select created_at, id from comment_actions where id = ${before.id})`,
      ),
    )
    .limit(1);
  return action !== undefined;
}

/** Whether nothing more happens to it. */
export const hasEnded = ({ state, error }: CommentAction): boolean =>
  state === 'done' || state === 'failed' || (state === 'unknown' && error !== null);

/** The condition for those that have not ended. */
const open = and(notInArray(commentActions.state, ['done', 'failed']), isNull(commentActions.error));
/** Those that their own workflow performs, as the index has it. */
const ofWorkflow = and(open, isNull(commentActions.postId));

/** Records that a workflow runs for it. */
export async function markActionStarted(db: Db, id: string): Promise<void> {
  await db
    .update(commentActions)
    .set({ startedAt: sql`now()`, updatedAt: commentActions.updatedAt })
    .where(and(eq(commentActions.id, id), isNull(commentActions.startedAt)));
}

/** Committed actions whose workflow was never started, except the newest, which the API is still starting. */
export async function unstartedActions(db: Db, limit: number): Promise<CommentAction[]> {
  return db
    .select()
    .from(commentActions)
    .where(
      and(
        ofWorkflow,
        isNull(commentActions.startedAt),
        lt(commentActions.createdAt, sql`now() - interval '5 seconds'`),
      ),
    )
    .orderBy(asc(commentActions.createdAt))
    .limit(limit);
}

/** Actions in progress that were not compared with their workflow for a minute, oldest check first. */
export async function uncheckedActions(db: Db, limit: number): Promise<CommentAction[]> {
  return db
    .select()
    .from(commentActions)
    .where(and(ofWorkflow, lt(commentActions.startedAt, sql`now() - interval '1 minute'`)))
    .orderBy(asc(commentActions.startedAt))
    .limit(limit);
}

/** Records that the workflows of these actions run. */
export async function markActionsChecked(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .update(commentActions)
    .set({ startedAt: sql`now()`, updatedAt: commentActions.updatedAt })
    .where(and(inArray(commentActions.id, [...ids]), isNotNull(commentActions.startedAt)));
}

/**
 * Records that an action is about to be sent, before it is. Of the replies with one text, and of those to one comment,
 * one is under way at a time: so a reply that is found later can be no other's. Other actions that undo each other are
 * sent in the order in which clients asked for them.
 * @returns `busy`: another one is under way; `changed`: it is not as it was read
 */
export async function beginSending(db: Db, action: CommentAction): Promise<'begun' | 'busy' | 'changed'> {
  return db.transaction(async (tx) => {
    if (action.kind === 'reply') {
      await tx.execute(
        sql`select pg_advisory_xact_lock(hashtextextended(${`replies ${action.oauthAccountId}`}, 0))`,
      );
      if (await otherUnderWay(tx, action)) return 'busy';
    } else if (await isUnderWay(tx, action.oauthAccountId, action.subject, pairOf(action.kind), action))
      return 'busy';
    const rows = await tx
      .update(commentActions)
      .set({
        state: 'sent',
        tries: sql`${commentActions.tries} + 1`,
        sentAt: sql`coalesce(${commentActions.sentAt}, clock_timestamp())`,
        lastSentAt: sql`clock_timestamp()`,
      })
      .where(
        and(
          eq(commentActions.id, action.id),
          eq(commentActions.state, action.state),
          eq(commentActions.tries, action.tries),
          open,
        ),
      )
      .returning({ id: commentActions.id });
    return rows.length === 1 ? 'begun' : 'changed';
  });
}

async function otherUnderWay(tx: Db, { id, oauthAccountId, subject, text }: CommentAction): Promise<boolean> {
  const [other] = await tx
    .select({ id: commentActions.id })
    .from(commentActions)
    .where(
      and(
        eq(commentActions.oauthAccountId, oauthAccountId),
        eq(commentActions.kind, 'reply'),
        inArray(commentActions.state, ['sent', 'unknown']),
        isNull(commentActions.error),
        ne(commentActions.id, id),
        or(eq(commentActions.subject, subject), text === null ? undefined : eq(commentActions.text, text)),
      ),
    )
    .limit(1);
  return other !== undefined;
}

/** Records that nobody has answered what was sent: the wait until it may be sent again begins now. */
export async function markLost(db: Db, id: string): Promise<void> {
  await db
    .update(commentActions)
    .set({ state: 'unknown', lastSentAt: sql`clock_timestamp()` })
    .where(and(eq(commentActions.id, id), eq(commentActions.state, 'sent')));
}

/** Records that the last send had no effect. An earlier one whose answer was lost still counts. */
export async function takeBack(db: Db, id: string): Promise<void> {
  const again = sql`${commentActions.tries} > 1`;
  await db
    .update(commentActions)
    .set({
      state: sql`case when ${again} then 'unknown' else 'accepted' end`,
      tries: sql`${commentActions.tries} - 1`,
      sentAt: sql`case when ${again} then ${commentActions.sentAt} end`,
      lastSentAt: sql`case when ${again} then ${commentActions.lastSentAt} end`,
    })
    .where(and(eq(commentActions.id, id), eq(commentActions.state, 'sent')));
}

/** The provider's ids of the replies that an account's other actions have made since a time. */
export async function takenReplies(db: Db, { id, oauthAccountId }: CommentAction): Promise<string[]> {
  const rows = await db
    .select({ ref: commentActions.providerRef })
    .from(commentActions)
    .where(
      and(
        eq(commentActions.oauthAccountId, oauthAccountId),
        isNotNull(commentActions.providerRef),
        ne(commentActions.id, id),
      ),
    )
    .orderBy(desc(commentActions.createdAt))
    .limit(MOST_TAKEN);
  return rows.flatMap(({ ref }) => ref ?? []);
}

/** A lost reply is looked for within days. */
const MOST_TAKEN = 5_000;

/** Ends an action. @returns it as it is now; null: it had ended, or was deleted */
export async function endAction(
  tx: Db,
  id: string,
  end: { state: 'done' | 'failed' | 'unknown'; providerRef: string | null; error: PostError | null },
): Promise<CommentAction | null> {
  const [ended] = await tx
    .update(commentActions)
    .set(end)
    .where(and(eq(commentActions.id, id), open))
    .returning();
  return ended ?? null;
}
