import { and, eq, getTableName, inArray, type SQL, sql } from 'drizzle-orm';
import type { MetricsState, StreamName, Subject } from '../../reading.ts';
import type { Db } from '../client.ts';
import type { CopyTable, ProviderTables } from '../provider-tables.ts';
import { posts, type Progress, syncSubjects } from '../schema.ts';
import { columnOf } from './copy-columns.ts';

/* The media of an account as subjects of the streams that are read for each media. */

export type SubjectLine = typeof syncSubjects.$inferSelect;

interface Owner {
  userId: string;
  accountId: string;
}

/** A media that a list has just shown. */
export interface Seen {
  id: string;
  /** Its number of comments, as the list tells; null: it tells none. */
  comments: number | null;
  /** False: too old for the stream, or nothing is there to read. */
  due: boolean;
}

/**
 * Makes a stream's subjects of media that are new to it, and asks for those that had nothing to read until now.
 */
export async function noteSeen(
  tx: Db,
  { userId, accountId }: Owner,
  stream: StreamName,
  seen: readonly Seen[],
): Promise<void> {
  if (seen.length === 0) return;
  const ids = sql.param(seen.map(({ id }) => id));
  await tx.execute(sql`
    insert into sync_subjects as s (user_id, oauth_account_id, stream, subject_id, known_count, next_due_at)
    select distinct on (n.id) ${userId}::uuid, ${accountId}::uuid, ${stream}, n.id, n.comments, case when n.due then now() end
    from unnest(${ids}::text[], ${sql.param(seen.map(({ comments }) => comments))}::bigint[],
      ${sql.param(seen.map(({ due }) => due))}::boolean[]) as n (id, comments, due)
    order by n.id
    on conflict (oauth_account_id, stream, subject_id) do update set next_due_at = excluded.next_due_at
      where s.next_due_at is null and s.last_read_at is null and excluded.next_due_at is not null`);
}

/**
 * Asks at once for the subjects whose number of comments has moved since it was last told. A first number says nothing
 * about what has been read.
 */
export async function noteMovedCounts(
  tx: Db,
  accountId: string,
  stream: StreamName,
  seen: readonly Seen[],
): Promise<void> {
  const told = seen.filter(({ comments }) => comments !== null);
  if (told.length === 0) return;
  await tx.execute(sql`
    update sync_subjects s set known_count = n.comments,
      next_due_at = case when s.known_count is null then s.next_due_at else now() end,
      hinted_at = case when s.known_count is null then s.hinted_at else coalesce(s.hinted_at, now()) end
    from unnest(${sql.param(told.map(({ id }) => id))}::text[], ${sql.param(told.map(({ comments }) => comments))}::bigint[]) as n (id, comments)
    where s.oauth_account_id = ${accountId}::uuid and s.stream = ${stream} and s.subject_id = n.id
      and s.known_count is distinct from n.comments`);
}

/** Asks at once for one subject, before all others; makes it if it is new. */
export async function hintSubject(
  tx: Db,
  { userId, accountId }: Owner,
  stream: StreamName,
  subjectId: string,
): Promise<void> {
  await tx
    .insert(syncSubjects)
    .values({
      userId,
      oauthAccountId: accountId,
      stream,
      subjectId,
      nextDueAt: sql`now()`,
      hintedAt: sql`now()`,
    })
    .onConflictDoUpdate({
      target: [syncSubjects.oauthAccountId, syncSubjects.stream, syncSubjects.subjectId],
      set: { nextDueAt: sql`now()`, hintedAt: sql`now()` },
    });
}

/** Asks for media that are back: nothing asked for them while they were gone. */
export async function askForRestored(
  tx: Db,
  accountId: string,
  stream: StreamName,
  ids: readonly string[],
): Promise<void> {
  if (ids.length > 0) await ask(tx, accountId, [stream], inArray(syncSubjects.subjectId, [...ids]));
}

/** Makes every subject of a stream due, for a full pass. */
export async function askForSubjects(tx: Db, accountId: string, stream: StreamName): Promise<void> {
  await ask(tx, accountId, [stream]);
}

/** Makes due what was put off because its last read failed. */
export async function askForFailed(tx: Db, accountId: string, streams: readonly StreamName[]): Promise<void> {
  await ask(tx, accountId, streams, sql`${syncSubjects.progress} ? 'failures'`);
}

async function ask(tx: Db, accountId: string, streams: readonly StreamName[], which?: SQL): Promise<void> {
  await tx
    .update(syncSubjects)
    .set({ nextDueAt: sql`now()` })
    .where(
      and(eq(syncSubjects.oauthAccountId, accountId), inArray(syncSubjects.stream, [...streams]), which),
    );
}

/** A subject that is due, with the copy of its media. */
export interface DueSubject {
  line: SubjectLine;
  subject: Subject;
  /** Its media is gone: it is asked for no more. */
  removed: boolean;
}

/**
 * The subject of a stream to read next: hinted ones first, then the one that has waited longest.
 * @param only hinted ones, or those whose media end soon by themselves
 */
export async function nextSubject(
  db: Db,
  accountId: string,
  stream: StreamName,
  copies: NonNullable<ProviderTables['copies']>,
  only?: 'hinted' | 'ending',
): Promise<DueSubject | null> {
  const [line] = await db
    .select()
    .from(syncSubjects)
    .where(
      and(
        eq(syncSubjects.oauthAccountId, accountId),
        eq(syncSubjects.stream, stream),
        sql`${syncSubjects.nextDueAt} <= now()`,
        only === 'hinted' ? sql`${syncSubjects.hintedAt} is not null` : undefined,
        only === 'ending' ? isEnding(accountId, copies.media) : undefined,
      ),
    )
    .orderBy(sql`${syncSubjects.hintedAt} asc nulls last, ${syncSubjects.nextDueAt}, ${syncSubjects.id}`)
    .limit(1);
  if (line === undefined) return null;
  const copy = await copyOf(db, accountId, copies.media, line.subjectId);
  return {
    line,
    removed: copy !== null && copy['removedAt'] !== null,
    subject: {
      id: line.subjectId,
      at: timeOf(copy, copies.media),
      values: copy ?? {},
      request: await requestOf(db, copy),
      approves: await approves(db, accountId, copies, line.subjectId),
    },
  };
}

/** The request of the post that published a media. */
async function requestOf(db: Db, copy: Record<string, unknown> | null): Promise<unknown> {
  const postId = copy?.['postId'];
  if (typeof postId !== 'string') return null;
  const [post] = await db.select({ request: posts.request }).from(posts).where(eq(posts.id, postId));
  return post?.request ?? null;
}

/** Whether a copy below a media has ever waited for an approval. */
async function approves(
  db: Db,
  accountId: string,
  { media, comments }: NonNullable<ProviderTables['copies']>,
  mediaId: string,
): Promise<boolean> {
  if (comments?.approval === undefined) return false;
  const below = belowMedia(comments, media, accountId, mediaId);
  const [row] = await db.execute(sql`
    select from ${sql.identifier(getTableName(comments.table))}
    where ${below} and ${columnOf(comments.table, comments.approval)} is not null limit 1`);
  return row !== undefined;
}

/** Long enough for the last reads of a story, at 22 and 23.5 of its 24 hours. */
const SOON = '3 hours';

function isEnding(accountId: string, media: CopyTable): SQL {
  const { table, key, endsAt } = media;
  if (endsAt === undefined) return sql`false`;
  return sql`exists (select from ${table} where ${media.ofAccount(accountId)} and ${columnOf(table, key)} = ${syncSubjects.subjectId}
    and removed_at is null and ${endsAt} between now() and now() + ${SOON}::interval)`;
}

/** The copy of one media, by its columns' properties; null: there is none. */
export async function copyOf(
  db: Db,
  accountId: string,
  copies: CopyTable,
  id: string,
): Promise<Record<string, unknown> | null> {
  const [row] = await db
    .select()
    .from(copies.table)
    .where(and(copies.ofAccount(accountId), eq(columnOf(copies.table, copies.key), id)));
  return row ?? null;
}

function timeOf(copy: Record<string, unknown> | null, { time }: CopyTable): Date | null {
  const at = copy?.[time];
  return at instanceof Date ? at : null;
}

/** When the next subject of a stream is due; null: none is. */
export async function nextDue(db: Db, accountId: string, stream: StreamName): Promise<Date | null> {
  const [row] = await db.execute<{ at: string | null }>(sql`
    select min(next_due_at)::text as at from sync_subjects
    where oauth_account_id = ${accountId}::uuid and stream = ${stream}`);
  return row?.at == null ? null : new Date(row.at);
}

/** How many subjects of a stream are asked for again because their last read failed. */
export async function countFailed(tx: Db, accountId: string, stream: StreamName): Promise<number> {
  const [row] = await tx.execute<{ failed: number }>(sql`
    select count(*)::integer as failed from sync_subjects
    where oauth_account_id = ${accountId}::uuid and stream = ${stream} and progress ? 'failures'`);
  return row?.failed ?? 0;
}

export interface SubjectChange {
  nextDueAt?: Date | null;
  lastReadAt?: Date | SQL;
  metricsState?: MetricsState;
  refusedMetrics?: string[];
  complete?: boolean;
  hintedAt?: Date | null;
  cursor?: string | null;
  pass?: number;
  progress?: Progress;
  unchangedStreak?: number;
}

export async function saveSubject(tx: Db, id: string, change: SubjectChange): Promise<void> {
  await tx.update(syncSubjects).set(change).where(eq(syncSubjects.id, id));
}

/**
 * Locks a subject for the transaction that stores a page of it.
 * @returns null if another reader has moved it, or if it is gone
 */
export async function lockSubject(tx: Db, read: SubjectLine): Promise<SubjectLine | null> {
  const [line] = await tx.select().from(syncSubjects).where(eq(syncSubjects.id, read.id)).for('update');
  const isSame =
    line?.pass === read.pass &&
    line.cursor === read.cursor &&
    line.lastReadAt?.getTime() === read.lastReadAt?.getTime();
  return isSame ? line : null;
}

/**
 * When a subject is read again after a read: at once if another event has asked for it meanwhile.
 * @param answered the hint that the read has followed
 */
export function nextAfter(
  { hintedAt }: SubjectLine,
  answered: Date | null,
  next: Date | null,
): Pick<SubjectChange, 'nextDueAt' | 'hintedAt'> {
  return hintedAt === null || hintedAt.getTime() === answered?.getTime()
    ? { nextDueAt: next, hintedAt: null }
    : { nextDueAt: new Date(), hintedAt };
}

/** Copies of an account that a stream of comments keeps below one media. */
export function belowMedia(comments: CopyTable, media: CopyTable, accountId: string, mediaId: string): SQL {
  const name = sql.identifier(getTableName(media.table));
  return comments.media === undefined
    ? sql`${columnOf(comments.table, comments.owner)} in (select id from ${name} where ${media.ofAccount(accountId)} and ${columnOf(media.table, media.key)} = ${mediaId})`
    : sql`${comments.ofAccount(accountId)} and ${columnOf(comments.table, comments.media)} = ${mediaId}`;
}
