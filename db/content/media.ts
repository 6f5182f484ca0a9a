import { and, desc, eq, getViewSelectedFields, isNull, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { after, type Page } from '../page.ts';
import { accountProfiles, allMedia } from '../schema.ts';

type Row = typeof allMedia.$inferSelect;
/** A copied media; `raw` only where it was asked for. */
export type MediaCopy = Omit<Row, 'raw'> & Partial<Pick<Row, 'raw'>>;

/** Which media a list shows. */
export interface MediaFilter {
  accountId: string;
  /** Not older than this, by the media's own time. */
  since: Date | null;
  includeRemoved: boolean;
}

const { raw, ...PLAIN } = getViewSelectedFields(allMedia);

/** A tenant's copy of a media, even if the media was removed. */
export async function findMediaCopy(
  db: Db,
  userId: string,
  id: string,
  withRaw = false,
): Promise<MediaCopy | null> {
  const [row] = await db
    .select(withRaw ? { ...PLAIN, raw } : PLAIN)
    .from(allMedia)
    .where(and(eq(allMedia.userId, userId), eq(allMedia.id, id)));
  return row ?? null;
}

/** The copies of an account's media, newest first. */
export async function listMediaCopies(
  db: Db,
  userId: string,
  { accountId, since, includeRemoved }: MediaFilter,
  page: Page,
  withRaw: boolean,
): Promise<MediaCopy[]> {
  return db
    .select(withRaw ? { ...PLAIN, raw } : PLAIN)
    .from(allMedia)
    .where(
      and(
        eq(allMedia.userId, userId),
        eq(allMedia.accountId, accountId),
        includeRemoved ? undefined : isNull(allMedia.removedAt),
        since === null ? undefined : sql`${allMedia.sortAt} >= ${since.toISOString()}::timestamptz`,
        after(page, allMedia.sortAt, allMedia.id),
      ),
    )
    .orderBy(desc(allMedia.sortAt), desc(allMedia.id))
    .limit(page.limit + 1);
}

export type Profile = typeof accountProfiles.$inferSelect;

/** The copy of an account's profile; null: nothing was read yet. */
export async function findProfile(db: Db, accountId: string): Promise<Profile | null> {
  const [row] = await db.select().from(accountProfiles).where(eq(accountProfiles.oauthAccountId, accountId));
  return row ?? null;
}
