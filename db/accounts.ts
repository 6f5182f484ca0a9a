import { and, desc, eq, exists, gt, inArray, lt, ne, notExists, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { after, type Page } from './page.ts';
import { pauseLines } from './sync/pause.ts';
import { takeTurn } from './sync/turn.ts';
import { type AccountStatus, oauthAccounts, posts, publishAttempts } from './schema.ts';

export type Account = typeof oauthAccounts.$inferSelect;

/** A tenant's account, even if disconnected. */
export async function findAccount(db: Db, userId: string, id: string): Promise<Account | null> {
  const [account] = await db
    .select()
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.userId, userId), eq(oauthAccounts.id, id)));
  return account ?? null;
}

/** A tenant's accounts with these ids, even if disconnected. */
export async function findAccounts(db: Db, userId: string, ids: readonly string[]): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.userId, userId), inArray(oauthAccounts.id, [...ids])));
}

/** Any tenant's account, for workflows and operators. */
export async function accountById(db: Db, id: string): Promise<Account | null> {
  const [account] = await db.select().from(oauthAccounts).where(eq(oauthAccounts.id, id));
  return account ?? null;
}

/** Newest first, without disconnected accounts. */
export async function listAccounts(db: Db, userId: string, page: Page): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(
      and(
        eq(oauthAccounts.userId, userId),
        ne(oauthAccounts.status, 'disconnected'),
        after(page, oauthAccounts.createdAt, oauthAccounts.id),
      ),
    )
    .orderBy(desc(oauthAccounts.createdAt), desc(oauthAccounts.id))
    .limit(page.limit + 1);
}

/** All tenants' accounts of one person at a provider. */
export async function accountsOf(db: Db, provider: string, openId: string): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(and(eq(oauthAccounts.provider, provider), eq(oauthAccounts.openId, openId)));
}

/** Records the name that the platform tells. */
export async function renameAccount(tx: Db, id: string, username: string): Promise<void> {
  await tx
    .update(oauthAccounts)
    .set({ username })
    .where(and(eq(oauthAccounts.id, id), sql`${oauthAccounts.username} is distinct from ${username}`));
}

/**
 * Takes an active account out of service.
 * @param tokenVersion only if the token pair is still this version
 * @param before only if the creator's last consent is older than this
 */
export async function deactivate(
  db: Db,
  id: string,
  to: { status: Exclude<AccountStatus, 'active'>; reason: string; tokenVersion?: number; before?: Date },
): Promise<Account | null> {
  return db.transaction(async (tx) => {
    // A page that is being stored ends first; later ones are dropped.
    await takeTurn(tx, id);
    const [saved] = await tx
      .update(oauthAccounts)
      // By the database's clock: it is compared with the times when consent pages were opened.
      .set({ status: to.status, statusReason: to.reason, updatedAt: sql`now()` })
      .where(
        and(
          eq(oauthAccounts.id, id),
          ne(oauthAccounts.status, 'disconnected'),
          to.tokenVersion === undefined ? undefined : eq(oauthAccounts.tokenVersion, to.tokenVersion),
          // Providers send whole seconds.
          to.before === undefined
            ? undefined
            : sql`date_trunc('second', ${oauthAccounts.connectedAt}) <= ${to.before.toISOString()}`,
        ),
      )
      .returning();
    if (saved !== undefined) await pauseLines(tx, id, to.status);
    return saved ?? null;
  });
}

/** Disconnects an account for its tenant. `wipeTokens` wipes the tokens once they are revoked. */
export async function markDisconnected(db: Db, userId: string, id: string): Promise<Account | null> {
  const account = await findAccount(db, userId, id);
  if (account === null) return null;
  return (await deactivate(db, id, { status: 'disconnected', reason: 'disconnected_by_user' })) ?? account;
}

/**
 * Recently reconnected accounts whose waiting posts were not notified. (After an hour the posts check on their own.)
 */
export async function unnoticedReturns(db: Db, limit: number): Promise<Account[]> {
  const tried = db
    .select({ one: sql`1` })
    .from(publishAttempts)
    .where(
      and(eq(publishAttempts.postId, posts.id), gt(publishAttempts.createdAt, oauthAccounts.connectedAt)),
    );
  const waiting = db
    .select({ one: sql`1` })
    .from(posts)
    .where(
      and(
        eq(posts.oauthAccountId, oauthAccounts.id),
        or(
          and(
            inArray(posts.state, ['transferring', 'processing']),
            sql`${posts.phase} is distinct from 'reconciling'`,
            lt(posts.updatedAt, oauthAccounts.connectedAt),
          ),
          // The post may have read the account before its return and recorded the wait after it. A post that has tried
          // since waits for something else.
          and(
            eq(posts.state, 'waiting_account'),
            lt(posts.updatedAt, sql`${oauthAccounts.connectedAt} + interval '1 minute'`),
            notExists(tried),
          ),
        ),
      ),
    );
  return db
    .select()
    .from(oauthAccounts)
    .where(
      and(
        eq(oauthAccounts.status, 'active'),
        gt(oauthAccounts.connectedAt, sql`now() - interval '1 hour'`),
        lt(oauthAccounts.connectedAt, sql`now() - interval '10 seconds'`),
        exists(waiting),
      ),
    )
    .limit(limit);
}

/** Records until when the provider refuses every call for the account. */
export async function noteRefusedCalls(db: Db, id: string, until: Date): Promise<void> {
  await db.update(oauthAccounts).set({ callsRefusedUntil: until }).where(eq(oauthAccounts.id, id));
}
