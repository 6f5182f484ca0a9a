import { and, eq, getTableName, sql } from 'drizzle-orm';
import { type Hint, type Item, STREAM_NAMES } from '../../reading.ts';
import type { Account } from '../accounts.ts';
import type { Db } from '../client.ts';
import type { ProviderTables } from '../provider-tables.ts';
import { tablesOf } from '../registry.ts';
import { type Progress, syncStates } from '../schema.ts';
import { type Change, recordChanges } from './changes.ts';
import { mediaOfComment } from './albums.ts';
import { storeLastNumbers } from './last-numbers.ts';
import { storeCopies } from './store-copies.ts';
import { copyOf, hintSubject } from './subjects.ts';
import { takeTurn } from './turn.ts';

/** More ids than this are found by the next pass. */
const MOST_GONE = 500;

/**
 * Applies a webhook: writes a copy only where there is none, and makes sync ask the provider, whose answer counts.
 * @returns whether sync has something to ask
 */
export async function applyHint(db: Db, account: Account, hint: Hint): Promise<boolean> {
  const { copies } = tablesOf(account.provider);
  if (copies === undefined) return false;
  return db.transaction(async (tx) => {
    const status = await takeTurn(tx, account.id);
    if (status === null || status === 'disconnected') return false;
    const owner = { userId: account.userId, accountId: account.id };
    const { subject, isKnown } = await subjectOf(tx, account, copies, hint);
    if (hint.onlyKnown === true && !isKnown) return false;
    if (hint.last !== undefined && subject !== null) {
      await storeLastNumbers(tx, owner, copies.media, subject, hint.last);
      return false;
    }
    const changes = hint.item === undefined ? [] : await storeTold(tx, account, copies, hint, subject);
    if (subject === null || hint.gone !== undefined)
      await hintStream(tx, account, await aimed(tx, account, copies, hint));
    else await hintSubject(tx, owner, hint.stream, subject);
    // The list says what this media is: it may be a picture of an album.
    if (subject !== null && !isKnown) await hintStream(tx, account, { stream: 'media', subject: null });
    await recordChanges(tx, owner, changes);
    return true;
  });
}

/** An event about a deletion need not say of what: what was a comment is asked for as one. */
async function aimed(
  tx: Db,
  account: Account,
  { media, comments }: NonNullable<ProviderTables['copies']>,
  hint: Hint,
): Promise<Hint> {
  const { gone } = hint;
  if (gone === undefined || comments === undefined) return hint;
  if ((await copyOf(tx, account.id, media, gone)) !== null) return hint;
  if ((await copyOf(tx, account.id, comments, gone)) === null) return hint;
  const [line] = await tx
    .select({ stream: syncStates.stream })
    .from(syncStates)
    .where(
      and(
        eq(syncStates.oauthAccountId, account.id),
        sql`${syncStates.stream} in ('comments', 'replies') and ${syncStates.state} <> 'unsupported'`,
      ),
    );
  const stream = STREAM_NAMES.find((name) => name === line?.stream);
  return stream === undefined ? hint : { ...hint, stream };
}

/** The media that an event is about: that of a comment whose copy is known, or the album of a picture. */
async function subjectOf(
  tx: Db,
  account: Account,
  { media, comments }: NonNullable<ProviderTables['copies']>,
  { subject, item }: Hint,
): Promise<{ subject: string | null; isKnown: boolean }> {
  if (subject === null) return { subject, isKnown: false };
  const known =
    item === undefined || comments === undefined
      ? null
      : await mediaOfComment(tx, account.id, { media, comments }, item.id);
  if (known !== null) return { subject: known, isKnown: true };
  const copy = await copyOf(tx, account.id, media, subject);
  const parent = media.parent === undefined ? null : copy?.[media.parent];
  if (typeof parent === 'string') return { subject: parent, isKnown: true };
  // An event may name only the comment that was answered.
  const above =
    copy === null && comments !== undefined
      ? await mediaOfComment(tx, account.id, { media, comments }, subject)
      : null;
  return { subject: above ?? subject, isKnown: copy !== null || above !== null };
}

async function storeTold(
  tx: Db,
  account: Account,
  { media, comments }: NonNullable<ProviderTables['copies']>,
  { item, stream, by }: Hint,
  subject: string | null,
): Promise<Change[]> {
  if (item === undefined) return [];
  const isMedia = stream === 'media' || stream === 'stories';
  const table = isMedia ? media : comments;
  if (table === undefined) return [];
  const writer = { userId: account.userId, source: 'webhook', readAt: null, pass: null } as const;
  if (!isMedia && subject !== null) {
    const ownerOf = await media.ownersOf(tx, account.id, [null]);
    const stub = { id: subject, at: null, values: {}, raw: {} };
    const at = ownerOf(null);
    if (at !== undefined) await storeCopies(tx, media, [{ item: stub, owner: at }], writer);
  }
  const told =
    isMedia || subject === null ? item : commentBelow(subject, item, by != null && by === account.username);
  const owner = (await table.ownersOf(tx, account.id, [told.parent ?? null]))(told.parent ?? null);
  if (owner === undefined) return [];
  const { written } = await storeCopies(tx, table, [{ item: told, owner }], writer);
  // The feed tells of a media when the platform has told what it is.
  if (isMedia) return [];
  return written.map(({ id, key }) => ({
    kind: 'comment.created',
    subjectTable: getTableName(table.table),
    subjectId: id,
    data: { providerCommentId: key, own: told.values['own'] === true },
  }));
}

const commentBelow = (parent: string, item: Item, isOwn: boolean): Item => ({
  ...item,
  parent,
  values: isOwn ? { ...item.values, own: true } : item.values,
});

/** Makes a whole stream due, and notes what was deleted, as an event says. */
async function hintStream(tx: Db, account: Account, { stream, gone }: Hint): Promise<void> {
  const [line] = await tx
    .select()
    .from(syncStates)
    .where(and(eq(syncStates.oauthAccountId, account.id), eq(syncStates.stream, stream)));
  if (line === undefined) return;
  const known = line.progress.gone ?? [];
  const told = gone === undefined ? {} : { gone: [...new Set([...known, gone])].slice(-MOST_GONE) };
  const progress: Progress = { ...line.progress, ...told, hinted: true };
  await tx
    .update(syncStates)
    .set({ progress, nextDueAt: sql`case when state in ('idle', 'running') then now() else next_due_at end` })
    .where(eq(syncStates.id, line.id));
}
