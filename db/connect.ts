import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { connectLinks, oauthStates } from './schema.ts';

export type ConnectLink = typeof connectLinks.$inferSelect;
export type OAuthState = typeof oauthStates.$inferSelect;

export interface NewConnectLink {
  id: string;
  hash: string;
  userId: string;
  provider: string;
  method: string | null;
  returnTo: string | null;
  expiresAt: Date;
}

/** @returns null when the id is taken */
export async function insertConnectLink(db: Db, row: NewConnectLink): Promise<ConnectLink | null> {
  const [link] = await db.insert(connectLinks).values(row).onConflictDoNothing().returning();
  return link ?? null;
}

export async function findConnectLink(db: Db, id: string): Promise<ConnectLink | null> {
  const [link] = await db.select().from(connectLinks).where(eq(connectLinks.id, id));
  return link ?? null;
}

/** The link of this hash, unless it has connected an account or has expired. */
export async function findOpenLink(db: Db, provider: string, hash: string): Promise<ConnectLink | null> {
  const [link] = await db
    .select()
    .from(connectLinks)
    .where(
      and(
        eq(connectLinks.hash, hash),
        eq(connectLinks.provider, provider),
        isNull(connectLinks.usedAt),
        sql`${connectLinks.expiresAt} > now()`,
      ),
    );
  return link ?? null;
}

/** Uses a link up. @returns false when another account was faster */
export async function useConnectLink(db: Db, id: string): Promise<boolean> {
  const used = await db
    .update(connectLinks)
    .set({ usedAt: new Date() })
    .where(and(eq(connectLinks.id, id), isNull(connectLinks.usedAt)))
    .returning({ id: connectLinks.id });
  return used.length > 0;
}

export type NewOAuthState = Omit<typeof oauthStates.$inferInsert, 'id' | 'usedAt' | 'createdAt'>;

export async function insertOAuthState(db: Db, row: NewOAuthState): Promise<void> {
  await db.insert(oauthStates).values(row);
}

/** Takes the state of this hash out of use. @returns null when it is unknown, another provider's, expired or was used */
export async function takeOAuthState(db: Db, provider: string, hash: string): Promise<OAuthState | null> {
  const [state] = await db
    .update(oauthStates)
    .set({ usedAt: new Date() })
    .where(
      and(
        eq(oauthStates.hash, hash),
        eq(oauthStates.provider, provider),
        isNull(oauthStates.usedAt),
        sql`${oauthStates.expiresAt} > now()`,
      ),
    )
    .returning();
  return state ?? null;
}

/** A state that may have been used or expired: it still knows whose attempt it was and where to return to. */
export async function findOAuthState(db: Db, provider: string, hash: string): Promise<OAuthState | null> {
  const [state] = await db
    .select()
    .from(oauthStates)
    .where(and(eq(oauthStates.hash, hash), eq(oauthStates.provider, provider)));
  return state ?? null;
}
