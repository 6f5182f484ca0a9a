import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { oauthAccounts, quotaReservations } from './schema.ts';

/** At most `limit` in any window of this length. */
export interface QuotaRule {
  bucket: string;
  limit: number;
  windowMs: number;
}

export interface QuotaUse {
  quota: string;
  limit: number;
  used: number;
  remaining: number;
  /** When one more becomes free, where the quota is used up. */
  resetAt: Date | null;
}

/** How much of each quota of an account is used right now. */
export async function quotaUse(db: Db, accountId: string, rules: readonly QuotaRule[]): Promise<QuotaUse[]> {
  return Promise.all(
    rules.map(async ({ bucket, limit, windowMs }) => {
      const [row] = await db
        .select({
          used: sql<number>`count(*)::int`,
          oldest: sql<string | null>`min(${quotaReservations.at})`,
        })
        .from(quotaReservations)
        .where(
          and(
            eq(quotaReservations.oauthAccountId, accountId),
            eq(quotaReservations.bucket, bucket),
            isNull(quotaReservations.releasedAt),
            gt(quotaReservations.at, sql`now() - ${windowMs} * interval '1 millisecond'`),
          ),
        );
      const used = row?.used ?? 0;
      const oldest = row?.oldest ?? null;
      return {
        quota: bucket,
        limit,
        used,
        remaining: Math.max(0, limit - used),
        resetAt: used >= limit && oldest !== null ? new Date(new Date(oldest).getTime() + windowMs) : null,
      };
    }),
  );
}

/**
 * Takes one from each quota, or from none. Exact over all workers: the account's row is locked meanwhile.
 * @returns null when taken; else when to ask again
 */
export async function reserveQuotas(
  db: Db,
  { accountId, postId = null }: { accountId: string; postId?: string | null },
  rules: readonly QuotaRule[],
): Promise<{ quota: string; resetAt: Date } | null> {
  if (rules.length === 0) return null;
  return db.transaction(async (tx) => {
    await tx
      .select({ id: oauthAccounts.id })
      .from(oauthAccounts)
      .where(eq(oauthAccounts.id, accountId))
      .for('update');
    const full = (await quotaUse(tx, accountId, rules)).find(({ resetAt }) => resetAt !== null);
    if (full?.resetAt != null) return { quota: full.quota, resetAt: full.resetAt };
    await tx
      .insert(quotaReservations)
      .values(rules.map(({ bucket }) => ({ oauthAccountId: accountId, postId, bucket })));
    return null;
  });
}

/** Gives back what the newest write of a post took, because it never reached the provider. */
export async function releaseQuotas(db: Db, postId: string, rules: readonly QuotaRule[]): Promise<void> {
  for (const { bucket } of rules) {
    await db.execute(sql`
      update quota_reservations set released_at = now() where id = (
        select id from quota_reservations
        where post_id = ${postId} and bucket = ${bucket} and released_at is null order by at desc limit 1)`);
  }
}

/** Forgets reservations that no window reaches any more. */
export async function forgetOldReservations(db: Db): Promise<void> {
  await db.execute(sql`delete from quota_reservations where at < now() - interval '2 days'`);
}
