import { getTableName, type SQL, sql } from 'drizzle-orm';
import { STREAM_NAMES } from '../../reading.ts';
import type { Db } from '../client.ts';
import type { CopyTable, ProviderTables } from '../provider-tables.ts';
import { columnOf, nameOf } from './copy-columns.ts';
import type { OwnedItem } from './store-copies.ts';
import { copyOf, hintSubject } from './subjects.ts';

/*
 * A comment on an album belongs to the album, but an event may name a picture of it that no pass has seen. The comment
 * then waits below that picture until the platform tells where it belongs, and moves there: it stays one row.
 */

type Tables = NonNullable<ProviderTables['copies']>;

/** Whether each comment hangs at the copy of its media. */
const hangsAtMedia = ({ media }: CopyTable): boolean => media === undefined;
const nameOfTable = ({ table }: CopyTable): SQL => sql`${sql.identifier(getTableName(table))}`;

/** The provider's id of the media that a known comment belongs to; null: it is not known. */
export async function mediaOfComment(
  tx: Db,
  accountId: string,
  { media, comments }: Required<Tables>,
  commentId: string,
): Promise<string | null> {
  if (comments.media !== undefined) {
    const above = (await copyOf(tx, accountId, comments, commentId))?.[comments.media];
    return typeof above === 'string' ? above : null;
  }
  const [row] = await tx.execute<{ key: string }>(sql`
    select m.${nameOf(media.table, media.key)} as key from ${nameOfTable(comments)}
    join ${nameOfTable(media)} m on m.id = ${columnOf(comments.table, comments.owner)}
    where ${comments.ofAccount(accountId)} and ${columnOf(comments.table, comments.key)} = ${commentId} limit 1`);
  return row?.key ?? null;
}

/** Moves comments that are known below other media to where a page tells that they belong. */
export async function moveComments(
  tx: Db,
  accountId: string,
  comments: CopyTable,
  items: readonly OwnedItem[],
): Promise<void> {
  if (!hangsAtMedia(comments) || items.length === 0) return;
  const owner = nameOf(comments.table, comments.owner);
  const key = nameOf(comments.table, comments.key);
  const name = nameOfTable(comments);
  await tx.execute(sql`
    update ${name} set ${owner} = told.owner, updated_at = now()
    from unnest(${sql.param(items.map(({ item }) => item.id))}::text[],
      ${sql.param(items.map(({ owner: at }) => at))}::uuid[]) as told (key, owner)
    where ${name}.${key} = told.key and ${name}.${owner} <> told.owner and ${comments.ofAccount(accountId)}
      and not exists (select from ${name} there where there.${owner} = told.owner and there.${key} = told.key)`);
}

/**
 * What was below pictures that only events had told of is their albums'; they are read as parts of them.
 * @param pictures the provider's ids of copies that turn out to be children of albums
 */
export async function adoptPictures(
  tx: Db,
  owner: { userId: string; accountId: string },
  { media, comments }: Tables,
  pictures: readonly string[],
): Promise<void> {
  const { parent } = media;
  if (pictures.length === 0 || parent === undefined) return;
  const keys = sql.param([...pictures]);
  const [own, key, album] = [media.owner, media.key, parent].map((one) => nameOf(media.table, one));
  if (comments !== undefined && hangsAtMedia(comments)) {
    const at = nameOf(comments.table, comments.owner);
    await tx.execute(sql`
      update ${nameOfTable(comments)} c set ${at} = album.id, updated_at = now()
      from ${nameOfTable(media)} child
      join ${nameOfTable(media)} album on album.${own} = child.${own} and album.${key} = child.${album}
      where c.${at} = child.id and child.${key} = any(${keys}::text[])
        and child.id in (select id from ${nameOfTable(media)} where ${media.ofAccount(owner.accountId)})
        and not exists (select from ${nameOfTable(comments)} there where there.${at} = album.id
          and there.${nameOf(comments.table, comments.key)} = c.${nameOf(comments.table, comments.key)})`);
  }
  const asked = await tx.execute<{ stream: string; album: string | null }>(sql`
    with gone as (
      delete from sync_subjects where oauth_account_id = ${owner.accountId}::uuid and subject_id = any(${keys}::text[])
      returning stream, subject_id
    )
    select distinct stream, ${columnOf(media.table, parent)} as album from gone
    join ${nameOfTable(media)} on ${columnOf(media.table, media.key)} = subject_id and ${media.ofAccount(owner.accountId)}`);
  for (const { stream, album: whole } of asked) {
    const name = STREAM_NAMES.find((one) => one === stream);
    if (name !== undefined && whole !== null) await hintSubject(tx, owner, name, whole);
  }
}
