import { and, eq, isNull, lt, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { apiKeys, users } from './schema.ts';

export type User = typeof users.$inferSelect;
export type ApiKey = typeof apiKeys.$inferSelect;

/** @returns null if the id or the address is taken */
export async function insertUser(
  db: Db,
  row: { id: string; email: string; displayName: string | null; requestHash: string | null },
): Promise<User | null> {
  const [user] = await db.insert(users).values(row).onConflictDoNothing().returning();
  return user ?? null;
}

/** @returns null if there is no such user */
export async function renameUser(db: Db, id: string, displayName: string | null): Promise<User | null> {
  const [user] = await db.update(users).set({ displayName }).where(eq(users.id, id)).returning();
  return user ?? null;
}

export async function findUser(db: Db, id: string): Promise<User | null> {
  const [user] = await db.select().from(users).where(eq(users.id, id));
  return user ?? null;
}

export async function findUserByEmail(db: Db, email: string): Promise<User | null> {
  const [user] = await db.select().from(users).where(eq(users.email, email));
  return user ?? null;
}

export interface NewApiKey {
  id: string;
  userId: string;
  name: string;
  prefix: string;
  hash: string;
  scopes: string[];
  expiresAt: Date | null;
}

/** @returns null if the id is taken */
export async function insertApiKey(db: Db, row: NewApiKey): Promise<ApiKey | null> {
  const [key] = await db.insert(apiKeys).values(row).onConflictDoNothing().returning();
  return key ?? null;
}

export async function findApiKey(db: Db, id: string): Promise<ApiKey | null> {
  const [key] = await db.select().from(apiKeys).where(eq(apiKeys.id, id));
  return key ?? null;
}

const isLive = and(
  isNull(apiKeys.revokedAt),
  or(isNull(apiKeys.expiresAt), sql`${apiKeys.expiresAt} > now()`),
);

/** The key with this hash, unless it is revoked or expired. */
export async function findLiveApiKey(db: Db, hash: string): Promise<ApiKey | null> {
  const [key] = await db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.hash, hash), isLive));
  return key ?? null;
}

/** Whether a key that was accepted earlier is still neither revoked nor expired. */
export async function isLiveApiKey(db: Db, id: string): Promise<boolean> {
  const live = await db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), isLive));
  return live.length > 0;
}

/** Records that a key was used, at most once a minute, so that reads do not become writes. */
export async function touchApiKey(db: Db, id: string): Promise<void> {
  await db
    .update(apiKeys)
    .set({ lastUsedAt: new Date() })
    .where(
      and(
        eq(apiKeys.id, id),
        or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, sql`now() - interval '1 minute'`)),
      ),
    );
}

/** @returns false if the user has no such key; revoking twice is revoking once */
export async function revokeApiKey(db: Db, userId: string, id: string): Promise<boolean> {
  const revoked = await db
    .update(apiKeys)
    .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, now())` })
    .where(and(eq(apiKeys.userId, userId), eq(apiKeys.id, id)))
    .returning({ id: apiKeys.id });
  return revoked.length > 0;
}
