import { eq } from 'drizzle-orm';
import type { Db } from './client.ts';
import { dataDeletions } from './schema.ts';

export type DataDeletion = typeof dataDeletions.$inferSelect;

/** Records a request to delete a person's data; each code once. */
export async function insertDeletion(
  db: Db,
  row: { code: string; provider: string; accounts: number; completedAt: Date },
): Promise<void> {
  await db.insert(dataDeletions).values(row).onConflictDoNothing();
}

export async function findDeletion(db: Db, code: string): Promise<DataDeletion | null> {
  const [row] = await db.select().from(dataDeletions).where(eq(dataDeletions.code, code));
  return row ?? null;
}
