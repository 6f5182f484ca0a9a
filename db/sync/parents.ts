import { getTableName, type SQL, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import type { CopyTable, ProviderTables } from '../provider-tables.ts';
import { columnOf } from './copy-columns.ts';
import { belowMedia } from './subjects.ts';

/** Comments that others reply to. */
interface Parents {
  /** The provider's id of the media that they are below. */
  mediaId: string;
  /** Those that a page names. */
  told: readonly string[];
  /** Whether to look at the replies that are copied already, too. */
  copied: boolean;
  /** Not to be named again. */
  except: readonly string[];
}

/** The provider's id of a comment that has replies and no copy; null: all have one. */
export async function unknownParent(
  db: Db,
  accountId: string,
  { media, comments }: NonNullable<ProviderTables['copies']>,
  { mediaId, told, copied, except }: Parents,
): Promise<string | null> {
  if (comments?.repliesTo === undefined || (told.length === 0 && !copied)) return null;
  const { table } = comments;
  const parent = columnOf(table, comments.repliesTo);
  const ofCopies = copied
    ? sql`union select ${parent} from ${table} where ${belowMedia(comments, media, accountId, mediaId)} and removed_at is null`
    : sql``;
  const [row] = await db.execute<{ key: string }>(sql`
    select key from (select unnest(${sql.param([...told])}::text[]) as key ${ofCopies}) parent
    where key is not null and key <> ${mediaId} and key <> all(${sql.param([...except])}::text[])
      and not exists (${copyNamed(comments, accountId)}) and not exists (${copyNamed(media, accountId)})
    limit 1`);
  return row?.key ?? null;
}

const copyNamed = (copies: CopyTable, accountId: string): SQL => sql`
  select from ${sql.identifier(getTableName(copies.table))}
  where ${copies.ofAccount(accountId)} and ${columnOf(copies.table, copies.key)} = parent.key`;
