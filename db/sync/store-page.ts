import { and, getTableName, inArray } from 'drizzle-orm';
import type { Item } from '../../reading.ts';
import { renameAccount } from '../accounts.ts';
import type { Db } from '../client.ts';
import type { CopyTable, ProviderTables } from '../provider-tables.ts';
import type { CopySource } from '../schema/columns.ts';
import { accountProfiles } from '../schema.ts';
import type { Change } from './changes.ts';
import { adoptPictures, moveComments } from './albums.ts';
import { columnOf } from './copy-columns.ts';
import { type MediaNumber, storeMediaInsights } from './insights.ts';
import { linkCopies } from './link-posts.ts';
import { type OwnedItem, storeCopies, type Written } from './store-copies.ts';

/* Stores what a page of a stream holds, and says what has changed: the caller records that in the same transaction. */

/** Where a page belongs, and when it was read. */
export interface PageOf {
  readonly account: { id: string; userId: string };
  readonly copies: NonNullable<ProviderTables['copies']>;
  readonly source: CopySource;
  /** The database's clock before the request, as text with microseconds. */
  readonly readAt: string;
  /** The pass over a list; null: no pass. */
  readonly pass: number | null;
  /** The first pass tells of nothing that it finds. */
  readonly quiet: boolean;
}

export interface Stored {
  written: Written[];
  changes: Change[];
  /** Items that PostgreSQL refused, or whose parent is unknown. */
  refused: number;
}

/** Stores media, their counts, and the posts that published them. Children of albums are stored after their albums. */
export async function storeMedia(tx: Db, page: PageOf, items: readonly Item[]): Promise<Stored> {
  const { media } = page.copies;
  const { written, refused } = await storeOwned(tx, page, media, items);
  const byKey = new Map(written.map((row) => [row.key, row]));
  const own = items.filter((item) => byKey.has(item.id));
  const { userId, id: accountId } = page.account;
  const numbers = own.flatMap(numbersOf);
  const moved = await storeMediaInsights(tx, { userId, accountId }, numbers, 'list', page.readAt);
  await linkCopies(
    tx,
    accountId,
    media,
    written.map(({ key }) => key),
  );
  const subjectTable = getTableName(media.table);
  const children = new Set(items.filter(({ parent }) => parent !== undefined).map(({ id }) => id));
  const pictures = written.filter(
    ({ key, inserted, wasUnread }) => children.has(key) && wasUnread && !inserted,
  );
  await adoptPictures(
    tx,
    { userId, accountId },
    page.copies,
    pictures.map(({ key }) => key),
  );
  const changes = written
    .filter(({ key }) => !children.has(key))
    .flatMap((row): Change[] => {
      const about = { subjectTable, subjectId: row.id, data: { providerMediaId: row.key } };
      const told: Change[] = [];
      // A row of which only an event has told is news too: the event knew no more than its id.
      if (row.wasUnread) told.push({ kind: 'media.created', ...about });
      else if (row.restored) told.push({ kind: 'media.restored', ...about });
      else if (row.edited) told.push({ kind: 'media.updated', ...about });
      if (!row.wasUnread && moved.includes(row.key)) told.push({ kind: 'insights.updated', ...about });
      return told;
    });
  return { written, refused, changes: page.quiet ? changes.filter(isNoCreation) : changes };
}

const numbersOf = ({ id, metrics = {} }: Item): MediaNumber[] =>
  Object.entries(metrics).map(([metric, value]) => ({ subject: id, metric, breakdown: '', value }));

const isNoCreation = ({ kind }: Change): boolean => !kind.endsWith('.created');

/** Stores comments; each item names its media as its parent. */
export async function storeComments(
  tx: Db,
  page: PageOf,
  table: CopyTable,
  all: readonly Item[],
): Promise<Stored> {
  const items = await storeParts(tx, page, table, all);
  const { written, refused } = await storeOwned(tx, page, table, items, moveComments);
  const byId = new Map(items.map((item) => [item.id, item]));
  const subjectTable = getTableName(table.table);
  const changes = written.flatMap((row): Change[] => {
    const item = byId.get(row.key);
    const about = {
      subjectTable,
      subjectId: row.id,
      data: { providerCommentId: row.key, own: item?.values['own'] === true },
    };
    const { column = '', value } = table.hiddenBy ?? {};
    const hidden = value !== undefined && item?.values[column] === value;
    if (row.inserted) return [{ kind: 'comment.created', ...about }];
    if (row.restored) return [{ kind: 'comment.restored', ...about }];
    if (hidden && !row.wasHidden) return [{ kind: 'comment.hidden', ...about }];
    return row.edited ? [{ kind: 'comment.updated', ...about }] : [];
  });
  return { written, refused, changes: page.quiet ? changes.filter(isNoCreation) : changes };
}

/** Stores the parts of our own posts among comments as media. @returns the items that are comments */
async function storeParts(
  tx: Db,
  page: PageOf,
  table: CopyTable,
  items: readonly Item[],
): Promise<readonly Item[]> {
  const { media } = page.copies;
  const own = items.filter(({ part }) => part !== undefined).map(({ id }) => id);
  const ours = new Set(own.length === 0 ? [] : await media.partsOf?.(tx, page.account.id, own));
  if (ours.size === 0) return items;
  const parts = items.flatMap(({ part, parent: _root, ...item }): Item[] =>
    part !== undefined && ours.has(item.id) ? [{ ...item, values: part }] : [],
  );
  await storeMedia(tx, page, parts);
  // An event may have come before the platform told the id of the part.
  await tx
    .delete(table.table)
    .where(and(table.ofAccount(page.account.id), inArray(columnOf(table.table, table.key), [...ours])));
  return items.filter(({ id }) => !ours.has(id));
}

/** Stores an account's profile, and its name where it was renamed: comments are its own by its name. */
export async function storeProfile(tx: Db, page: PageOf, item: Item): Promise<Stored> {
  const { account, source, readAt, pass } = page;
  const { username } = item.values;
  if (typeof username === 'string') await renameAccount(tx, account.id, username);
  const target = {
    table: accountProfiles,
    owner: 'oauthAccountId',
    volatile: ['pictureUrl'],
    counts: ['followers', 'following', 'mediaCount', 'likes'],
  };
  const writer = { userId: account.userId, source, readAt, pass };
  const { written, refused } = await storeCopies(tx, target, [{ item, owner: account.id }], writer);
  const changes = written
    .filter(({ inserted, edited, counted }) => inserted || edited || counted)
    .map((row): Change => ({ kind: 'profile.updated', subjectTable: 'account_profiles', subjectId: row.id }));
  return { written, refused, changes };
}

async function storeOwned(
  tx: Db,
  { account, source, readAt, pass }: PageOf,
  table: CopyTable,
  items: readonly Item[],
  prepare: (
    tx: Db,
    accountId: string,
    table: CopyTable,
    owned: readonly OwnedItem[],
  ) => Promise<void> = async () => {},
): Promise<{ written: Written[]; refused: number }> {
  const ownerOf = await table.ownersOf(
    tx,
    account.id,
    items.map(({ parent }) => parent ?? null),
  );
  const owned = items.flatMap((item): OwnedItem[] => {
    const owner = ownerOf(item.parent ?? null);
    return owner === undefined ? [] : [{ item, owner }];
  });
  await prepare(tx, account.id, table, owned);
  const { written, refused } = await storeCopies(tx, table, owned, {
    userId: account.userId,
    source,
    readAt,
    pass,
  });
  return { written, refused: refused + items.length - owned.length };
}
