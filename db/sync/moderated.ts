import type { ActionKind } from '../../reading.ts';
import type { Account } from '../accounts.ts';
import type { Db } from '../client.ts';
import { endAction } from '../comment-actions.ts';
import type { Comment } from '../content/comments.ts';
import type { ProviderTables } from '../provider-tables.ts';
import { type Change, recordChanges } from './changes.ts';
import { accountInService } from './due.ts';
import { removeCopies } from './removals.ts';
import { storeComments } from './store-page.ts';
import { takeTurn } from './turn.ts';

/* What an action that succeeded makes of our copies: in one transaction with its end and with the feed. */

/** A comment, its row in the provider's own table, and where it belongs. */
export interface Moderated {
  readonly account: Account;
  readonly copies: NonNullable<ProviderTables['copies']>;
  readonly comment: Comment;
  readonly row: Readonly<Record<string, unknown>>;
}

/** An action that the provider has carried out. */
export interface Done {
  readonly id: string;
  readonly kind: ActionKind;
  /** Of a reply. */
  readonly text: string | null;
  /** The provider's id of a reply. */
  readonly providerRef: string | null;
  /** The database's clock when the answer arrived, as text with microseconds. */
  readonly readAt: string;
}

/** Ends an action as done. One that was deleted with its account's data writes nothing. */
export async function saveDone(db: Db, moderated: Moderated, done: Done): Promise<void> {
  await db.transaction(async (tx) => {
    const { id, providerRef } = done;
    // The turn before every lock, like all writers of an account's copies.
    await takeTurn(tx, moderated.account.id);
    if ((await endAction(tx, id, { state: 'done', providerRef, error: null })) === null) return;
    await recordEffect(tx, moderated, done);
  });
}

/** Updates the copies of an account in service, and the feed: the last statement of the transaction. */
export async function recordEffect(tx: Db, moderated: Moderated, done: Done): Promise<void> {
  const { account } = moderated;
  if ((await accountInService(tx, account.id)) === null) return;
  await recordChanges(
    tx,
    { userId: account.userId, accountId: account.id },
    await storeEffect(tx, moderated, done),
  );
}

async function storeEffect(
  tx: Db,
  { account, copies, comment, row }: Moderated,
  { kind, text, providerRef, readAt }: Done,
): Promise<Change[]> {
  const table = copies.comments;
  if (table === undefined) return [];
  if (kind === 'delete') return removeCopies(tx, table, [comment.id], 'asked', readAt, 'action');
  const page = { account, copies, source: 'action', readAt, pass: null, quiet: false } as const;
  const parent = comment.providerMediaId === null ? {} : { parent: comment.providerMediaId };
  if (kind === 'reply') {
    if (providerRef === null || table.replied === undefined) return [];
    const values = { ...table.replied({ comment, account, text }), own: true };
    const item = { id: providerRef, ...parent, at: null, values, raw: { id: providerRef } };
    return (await storeComments(tx, page, table, [item])).changes;
  }
  const values = table.acted?.[kind];
  if (values === undefined) return [];
  const item = {
    id: comment.providerCommentId,
    ...parent,
    at: null,
    values: { ...values, own: comment.own },
    raw: rawOf(row),
  };
  return (await storeComments(tx, page, table, [item])).changes;
}

/** What the platform sent last stays. */
function rawOf({ raw }: Moderated['row']): Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null ? { ...raw } : {};
}
