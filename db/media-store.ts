import { and, desc, eq, isNotNull, isNull } from 'drizzle-orm';
import type { Db } from './client.ts';
import { installation, media } from './schema.ts';

/** The database's record of the media store: whether a server has marked it with the installation's id. */
export const createMediaRegister = (db: Db) => ({
  /** @returns the installation's id; null if the store was never marked */
  async marked(): Promise<string | null> {
    const [row] = await db
      .select({ id: installation.id })
      .from(installation)
      .where(isNotNull(installation.mediaMarkedAt));
    return row?.id ?? null;
  },

  /** The key of a file that the store must have; null if nothing was ever stored. */
  newest: (): Promise<string | null> => newestFile(db),

  /**
   * Marks the store, one process at a time: two servers must not take two folders for the store.
   * @param mark receives the installation's id, and the key of the newest file that the store must have
   * @returns the installation's id
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
