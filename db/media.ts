import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { media } from './schema.ts';

export type Media = typeof media.$inferSelect;

export interface NewMedia {
  id?: string;
  userId: string;
  filename: string;
  contentType: string;
  /** Bytes. */
  size: number;
  storageKey: string;
  expiresAt: Date;
  idempotencyKey: string | null;
  requestHash: string;
  requestId: string | null;
}

/** Records an upload that is about to start. @returns null if the idempotency key was used before */
export async function insertMedia(db: Db, row: NewMedia): Promise<Media | null> {
  const [saved] = await db.insert(media).values(row).onConflictDoNothing().returning();
  return saved ?? null;
}

export async function findMedia(db: Db, userId: string, id: string): Promise<Media | null> {
  const [row] = await db
    .select()
    .from(media)
    .where(and(eq(media.userId, userId), eq(media.id, id), isNull(media.deletedAt)));
  return row ?? null;
}

/** Deleted or not: the key belongs to the media that it created. */
export async function findMediaByKey(db: Db, userId: string, idempotencyKey: string): Promise<Media | null> {
  const [row] = await db
    .select()
    .from(media)
    .where(and(eq(media.userId, userId), eq(media.idempotencyKey, idempotencyKey)));
  return row ?? null;
}

/** Any tenant's media, for workflows. @throws Error if it does not exist */
export async function mediaById(db: Db, id: string): Promise<Media> {
  const row = await findAnyMedia(db, id);
  if (row === null) throw new Error(`no media ${id}`);
  return row;
}

/** A tenant's media. */
export async function mediaByIds(db: Db, userId: string, ids: readonly string[]): Promise<Media[]> {
  return db
    .select()
    .from(media)
    .where(and(eq(media.userId, userId), inArray(media.id, [...ids])));
}

/** Any tenant's media, for signed links: the signature grants access. */
export async function findAnyMedia(db: Db, id: string): Promise<Media | null> {
  const [row] = await db.select().from(media).where(eq(media.id, id));
  return row ?? null;
}

/** Records that the last byte has arrived. */
export async function markUploaded(db: Db, id: string): Promise<void> {
  await db
    .update(media)
    .set({ uploadedAt: new Date() })
    .where(and(eq(media.id, id), isNull(media.uploadedAt)));
}

export async function markMediaStarted(db: Db, id: string): Promise<void> {
  await db.update(media).set({ workflowStartedAt: new Date() }).where(eq(media.id, id));
}

/** Uploads whose workflow was not started, or missed the last byte, or should have expired them. */
export async function unstartedMedia(db: Db, limit: number): Promise<Media[]> {
  return db
    .select()
    .from(media)
    .where(
      and(
        eq(media.state, 'uploading'),
        isNull(media.deletedAt),
        sql`(${media.workflowStartedAt} is null and ${media.createdAt} < now() - interval '5 seconds'
          or ${media.uploadedAt} < now() - interval '1 minute'
          or ${media.expiresAt} < now() - interval '1 minute')`,
      ),
    )
    .orderBy(media.createdAt)
    .limit(limit);
}

/** Expires an upload, unless its last byte has arrived. @returns the row as it is now */
export async function expireUpload(db: Db, id: string): Promise<Media> {
  await db
    .update(media)
    .set({ state: 'expired' })
    .where(and(eq(media.id, id), eq(media.state, 'uploading'), isNull(media.uploadedAt)));
  return mediaById(db, id);
}

/** The results of probing, with the names of their columns. */
export type MediaFindings = Pick<
  Media,
  | 'contentType'
  | 'sha256'
  | 'container'
  | 'codec'
  | 'durationMs'
  | 'fps'
  | 'bitRate'
  | 'width'
  | 'height'
  | 'chroma'
  | 'audioCodec'
  | 'audioChannels'
  | 'audioSampleRate'
  | 'indexFirst'
>;

export async function markMediaReady(db: Db, id: string, findings: MediaFindings): Promise<void> {
  await db
    .update(media)
    .set({ ...findings, state: 'ready' })
    .where(and(eq(media.id, id), eq(media.state, 'uploading')));
}

export async function rejectMedia(db: Db, id: string, reason: string): Promise<void> {
  await db
    .update(media)
    .set({ state: 'rejected', rejectedReason: reason })
    .where(and(eq(media.id, id), eq(media.state, 'uploading')));
}

/** Counts that a parser is about to start on a file, which may kill it. @returns the count, including this time */
export async function beginExamination(db: Db, id: string): Promise<number> {
  const [row] = await db
    .update(media)
    .set({ examinations: sql`${media.examinations} + 1` })
    .where(eq(media.id, id))
    .returning({ examinations: media.examinations });
  if (row === undefined) throw new Error(`no media ${id}`);
  return row.examinations;
}

/** The parser finished, or was stopped for a reason that is not the file's fault. */
export async function endExamination(db: Db, id: string): Promise<void> {
  await db
    .update(media)
    .set({ examinations: sql`greatest(${media.examinations} - 1, 0)` })
    .where(eq(media.id, id));
}
