import { and, desc, eq, isNotNull, isNull } from 'drizzle-orm';
import type { Db } from './client.ts';
import { installation, media } from './schema.ts';

/** What the database knows of the media store: whether a server has marked it with the id of the installation. */
export const createMediaRegister = (db: Db) => ({
  /** @returns the id of the installation; null: the store was never marked */
  async marked(): Promise<string | null> {
    const [row] = await db
      .select({ id: installation.id })
      .from(installation)
      .where(isNotNull(installation.mediaMarkedAt));
    return row?.id ?? null;
  },

  /** The key of a file that the store must have; null: nothing was ever stored. */
  newest: (): Promise<string | null> => newestFile(db),

  /**
   * Has the store marked, by one process at a time: two servers must not take two folders for the store.
   * @param mark is given the id, and the key of the newest file that the store must have
   * @returns the id of the installation
   */
  async markOnce(mark: (id: string, sample: string | null) => Promise<void>): Promise<string> {
    await db.insert(installation).values({}).onConflictDoNothing();
    return db.transaction(async (tx) => {
      const [row] = await tx.select().from(installation).for('update');
      if (row === undefined) throw new Error('the table installation does not keep its row');
      if (row.mediaMarkedAt !== null) return row.id;
      await mark(row.id, await newestFile(tx));
      await tx.update(installation).set({ mediaMarkedAt: new Date() }).where(eq(installation.id, row.id));
      return row.id;
    });
  },
});

async function newestFile(db: Db): Promise<string | null> {
  const [row] = await db
    .select({ storageKey: media.storageKey })
    .from(media)
    .where(and(eq(media.state, 'ready'), isNull(media.deletedAt)))
    .orderBy(desc(media.createdAt))
    .limit(1);
  return row?.storageKey ?? null;
}
