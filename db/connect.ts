import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { connectLinks, oauthAccounts, oauthStates, type StoredResult } from './schema.ts';

export type ConnectLink = typeof connectLinks.$inferSelect;
export type OAuthState = typeof oauthStates.$inferSelect;

export interface NewConnectLink {
  id: string;
  hash: string;
  userId: string;
  provider: string;
  method: string | null;
  name: string | null;
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

/** Whether a link can still connect an account. */
export const isOpen = ({ usedAt, expiresAt }: ConnectLink): boolean =>
  usedAt === null && expiresAt.getTime() > Date.now();

/** The link with this hash, unless it was used or has expired. */
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

/** Uses a link up. @returns false if another account was faster */
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

/**
 * Uses up the state with this hash, for the browser that began the attempt.
 * @returns null if it is unknown, used, expired, or another provider's or browser's
 */
export async function takeOAuthState(
  db: Db,
  provider: string,
  hash: string,
  browserHash: string,
): Promise<OAuthState | null> {
  const [state] = await db
    .update(oauthStates)
    .set({ usedAt: new Date() })
    .where(
      and(
        eq(oauthStates.hash, hash),
        eq(oauthStates.browserHash, browserHash),
        eq(oauthStates.provider, provider),
        isNull(oauthStates.usedAt),
        sql`${oauthStates.expiresAt} > now()`,
      ),
    )
    .returning();
  return state ?? null;
}

/** Also finds a used or expired state: it still has the owner of the attempt and the return address. */
export async function findOAuthState(db: Db, provider: string, hash: string): Promise<OAuthState | null> {
  const [state] = await db
    .select()
    .from(oauthStates)
    .where(and(eq(oauthStates.hash, hash), eq(oauthStates.provider, provider)));
  return state ?? null;
}

/** Stores how an attempt ended, for the page that shows it. */
export async function keepResult(
  db: Db,
  stateId: string,
  kept: { hash: string; result: StoredResult; expiresAt: Date },
): Promise<void> {
  await db
    .update(oauthStates)
    .set({ resultHash: kept.hash, result: kept.result, resultExpiresAt: kept.expiresAt })
    .where(eq(oauthStates.id, stateId));
}

/** An attempt by its id, for an hour after its end. */
export async function findAttempt(db: Db, id: string): Promise<OAuthState | null> {
  const [attempt] = await db
    .select()
    .from(oauthStates)
    .where(and(eq(oauthStates.id, id), sql`${oauthStates.expiresAt} > now() - interval '1 hour'`));
  return attempt ?? null;
}

/** The attempt whose result has this hash, while the result may be shown. */
export async function findResult(
  db: Db,
  hash: string,
): Promise<(OAuthState & { result: StoredResult }) | null> {
  const [state] = await db
    .select()
    .from(oauthStates)
    .where(and(eq(oauthStates.resultHash, hash), sql`${oauthStates.resultExpiresAt} > now()`));
  return state?.result == null ? null : { ...state, result: state.result };
}

/** The names of a user's accounts, in the order of the ids. */
export async function accountNames(
  db: Db,
  userId: string,
  ids: readonly string[],
): Promise<{ provider: string; username: string | null; displayName: string | null }[]> {
  const { id, provider, username, displayName } = oauthAccounts;
  const rows = await db
    .select({ id, provider, username, displayName })
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.userId, userId), inArray(id, [...ids])));
  return ids.flatMap((wanted) => rows.filter((row) => row.id === wanted));
}
