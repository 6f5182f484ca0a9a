import { and, desc, eq, getViewSelectedFields, inArray, isNull, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { after, type Page } from '../page.ts';
import { tablesOf } from '../registry.ts';
import { allComments } from '../schema.ts';
import { columnOf } from '../sync/copy-columns.ts';

type Row = typeof allComments.$inferSelect;
export type CommentState = Row['state'];
/** A copied comment or reply; `raw` only where it was asked for. */
export type Comment = Omit<Row, 'raw'> & Partial<Pick<Row, 'raw'>>;

/** Which comments a list shows; what is null does not limit it. */
export interface CommentFilter {
  accountId: string | null;
  mediaId: string | null;
  state: CommentState | null;
  /** A part of the text; case does not matter. */
  q: string | null;
  /** Not older than this, by the comment's own time. */
  since: Date | null;
  includeRemoved: boolean;
}

const { raw, ...PLAIN } = getViewSelectedFields(allComments);

/** A tenant's comment, even if it was removed. */
export async function findComment(db: Db, userId: string, id: string): Promise<Comment | null> {
  const [row] = await db
    .select(PLAIN)
    .from(allComments)
    .where(and(eq(allComments.userId, userId), eq(allComments.id, id)));
  return row ?? null;
}

/** A tenant's comments, newest first. */
export async function listComments(
  db: Db,
  userId: string,
  { accountId, mediaId, state, q, since, includeRemoved }: CommentFilter,
  page: Page,
  withRaw: boolean,
): Promise<Comment[]> {
  const columns = allComments;
  return db
    .select(withRaw ? { ...PLAIN, raw } : PLAIN)
    .from(allComments)
    .where(
      and(
        eq(columns.userId, userId),
        accountId === null ? undefined : eq(columns.accountId, accountId),
        mediaId === null ? undefined : eq(columns.mediaId, mediaId),
        state === null ? undefined : eq(columns.state, state),
        includeRemoved || state === 'removed' ? undefined : isNull(columns.removedAt),
        // Not LIKE: % and _ are ordinary characters here.
        q === null ? undefined : sql`strpos(lower(${columns.text}), lower(${q})) > 0`,
        since === null ? undefined : sql`${columns.sortAt} >= ${since.toISOString()}::timestamptz`,
        after(page, columns.sortAt, columns.id),
      ),
    )
    .orderBy(desc(columns.sortAt), desc(columns.id))
    .limit(page.limit + 1);
}

/** The rows of comments in their providers' own tables, by the properties of their columns. */
export async function commentRows(
  db: Db,
  comments: readonly Pick<Comment, 'id' | 'provider'>[],
): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> {
  const rows = new Map<string, Readonly<Record<string, unknown>>>();
  for (const provider of new Set(comments.map((comment) => comment.provider))) {
    const table = tablesOf(provider).copies?.comments?.table;
    if (table === undefined) continue;
    const ids = comments.filter((comment) => comment.provider === provider).map(({ id }) => id);
    for (const row of await db
      .select()
      .from(table)
      .where(inArray(columnOf(table, 'id'), ids)))
      rows.set(String(row['id']), row);
  }
  return rows;
}
