import { and, eq, inArray, isNull, lt, notExists, notInArray, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import type { Media } from './media.ts';
import { FINAL_STATES, media, namedMedia, posts } from './schema.ts';

/*
 * Removes files. The row is updated first and the file removed afterwards: a crash in between leaves a row whose file
 * the sweep removes, never a row that promises a missing file.
 */

export type Deleted =
  | { outcome: 'deleted'; media: Media }
  | { outcome: 'not_found' }
  /** Unfinished posts need it. */
  | { outcome: 'in_use'; postIds: string[] };

const MOST_POSTS_NAMED = 100;

/** Deletes a user's media, unless an unfinished post needs it. Its file is removed afterwards. */
export async function deleteMedia(db: Db, userId: string, id: string): Promise<Deleted> {
  return db.transaction(async (tx): Promise<Deleted> => {
    // Together with `holdMedia`: a post being accepted either sees that the file is gone, or is seen here.
    const [row] = await tx
      .select()
      .from(media)
      .where(and(eq(media.userId, userId), eq(media.id, id), isNull(media.deletedAt)))
      .for('update');
    if (row === undefined) return { outcome: 'not_found' };
    const needing = await tx
      .select({ id: posts.id })
      .from(posts)
      .where(and(eq(posts.userId, userId), notInArray(posts.state, [...FINAL_STATES]), names(id)))
      .limit(MOST_POSTS_NAMED);
    if (needing.length > 0) return { outcome: 'in_use', postIds: needing.map((post) => post.id) };
    await tx.update(media).set({ deletedAt: new Date() }).where(eq(media.id, id));
    return { outcome: 'deleted', media: row };
  });
}

/** Whether a post uses a file: as its only one, or anywhere in its request. Two indexes cover it. */
function names(mediaId: string | typeof media.id) {
  return or(eq(posts.mediaId, mediaId), sql`${namedMedia(posts.request)} ? ${mediaId}::text`);
}

/**
 * Keeps files from being deleted until the end of the transaction that creates their post.
 * @param request any JSON; its `mediaId`s count
 * @returns whether all files exist
 */
export async function holdMedia(
  tx: Db,
  userId: string,
  mediaId: string | null,
  request: unknown,
): Promise<boolean> {
  const ids = [...new Set([...(mediaId === null ? [] : [mediaId]), ...mediaIdsIn(request)])];
  if (ids.length === 0) return true;
  const held = await tx
    .select({ id: media.id })
    .from(media)
    .where(and(eq(media.userId, userId), inArray(media.id, ids), isNull(media.deletedAt)))
    // In a fixed order, so that two posts with the same files do not deadlock.
    .orderBy(media.id)
    .for('share');
  return held.length === ids.length;
}

function mediaIdsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    name === 'mediaId' && typeof inner === 'string' ? [inner] : mediaIdsIn(inner),
  );
}

/** Files unused since a time: not uploaded since, and not needed by a post since. */
export const unusedMedia = (db: Db, since: Date, limit: number): Promise<Media[]> =>
  Promise.resolve(selectUnused(db, since, limit));

/**
 * The query of {@link unusedMedia}. Its cost depends on what it finds, not on the size of the tables, thanks to the
 * indexes media_kept, posts_media and posts_named_media.
 */
export function selectUnused(db: Db, since: Date, limit: number) {
  const used = db
    .select({ one: sql`1` })
    .from(posts)
    .where(
      and(
        eq(posts.userId, media.userId),
        or(notInArray(posts.state, [...FINAL_STATES]), sql`${posts.updatedAt} >= ${since.toISOString()}`),
        names(media.id),
      ),
    );
  return db
    .select()
    .from(media)
    .where(
      and(
        sql`${media.state} = 'ready'`,
        isNull(media.deletedAt),
        lt(media.createdAt, since),
        lt(sql`coalesce(${media.uploadedAt}, ${media.createdAt})`, since.toISOString()),
        notExists(used),
      ),
    )
    .orderBy(media.createdAt)
    .limit(limit);
}

/** Media with a useless file that still has to be removed. */
export async function mediaWithUselessFile(db: Db, limit: number): Promise<Media[]> {
  return db
    .select()
    .from(media)
    .where(
      sql`${media.fileRemovedAt} is null and (${media.deletedAt} is not null or ${media.state} in ('rejected', 'expired'))`,
    )
    .orderBy(media.updatedAt)
    .limit(limit);
}

export async function markFileRemoved(db: Db, id: string): Promise<void> {
  await db.update(media).set({ fileRemovedAt: new Date() }).where(eq(media.id, id));
}
