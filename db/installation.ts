import { randomBytes } from 'node:crypto';
import { and, eq, isNull } from 'drizzle-orm';
import type { Db } from './client.ts';
import { installation } from './schema.ts';

/** The only row of this installation, with its secret as the keyring wrapped it. */
export interface Installation {
  id: string;
  kekId: string;
  secretWrapped: Uint8Array;
}

/** Encrypts the secret before it gets here (`wrap` of crypto/keys.ts). */
type Wrap = (secret: Uint8Array) => Promise<{ keyId: string; wrapped: Uint8Array }>;

const SECRET_BYTES = 32;

/** The row of this installation. The first call creates it; concurrent calls, in any process, get the same row. */
export async function thisInstallation(db: Db, wrap: Wrap): Promise<Installation> {
  const found = await findInstallation(db);
  if (found !== null) return found;
  const { keyId, wrapped } = await wrap(randomBytes(SECRET_BYTES));
  const secret = { kekId: keyId, secretWrapped: wrapped };
  await db.insert(installation).values(secret).onConflictDoNothing();
  await db.update(installation).set(secret).where(isNull(installation.secretWrapped));
  const made = await findInstallation(db);
  if (made === null) throw new Error('the table installation does not keep its row');
  return made;
}

/** The id of this installation. The first call creates its row. */
export async function installationId(db: Db): Promise<string> {
  const found = await findInstallationId(db);
  if (found !== null) return found;
  await db.insert(installation).values({}).onConflictDoNothing();
  const made = await findInstallationId(db);
  if (made === null) throw new Error('the table installation does not keep its row');
  return made;
}

/** The id of this installation; null if no process has ever worked on this database. */
export async function findInstallationId(db: Db): Promise<string | null> {
  const [row] = await db.select({ id: installation.id }).from(installation);
  return row?.id ?? null;
}

/** The row with its secret; null if no process has needed the secret yet. */
export async function findInstallation(db: Db): Promise<Installation | null> {
  const [row] = await db.select().from(installation);
  if (row === undefined || row.kekId === null || row.secretWrapped === null) return null;
  return { id: row.id, kekId: row.kekId, secretWrapped: row.secretWrapped };
}

/** Stores the same secret under another key-encryption key. */
export async function rewrapInstallation(
  db: Db,
  { id, kekId }: Installation,
  to: Awaited<ReturnType<Wrap>>,
): Promise<void> {
  await db
    .update(installation)
    .set({ kekId: to.keyId, secretWrapped: to.wrapped })
    .where(and(eq(installation.id, id), eq(installation.kekId, kekId)));
}
