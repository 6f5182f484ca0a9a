import { createHash } from 'node:crypto';
import { and, eq, isNull, sql } from 'drizzle-orm';
import { DAY, HOUR } from '../durations.ts';
import type { Account } from './accounts.ts';
import { audit } from './audit.ts';
import type { Db } from './client.ts';
import { oauthAccounts } from './schema.ts';

/* When an account's tokens are renewed or end, and when its creator is warned of that. */

/** Whether the account has a refresh token that has not ended. Without one it works until its access token ends. */
export function isRenewable({ refreshTokenEncrypted, refreshExpiresAt }: Account): boolean {
  return refreshTokenEncrypted !== null && !(refreshExpiresAt !== null && refreshExpiresAt <= new Date());
}

/** The next action for an account's tokens. */
export interface TokenDue {
  what: 'refresh' | 'warning' | 'end';
  at: Date;
}

/** @returns null if the access token does not expire */
export function nextDue(account: Account): TokenDue | null {
  const { expiresAt, expiringSince } = account;
  if (expiresAt === null) return null;
  if (isRenewable(account)) return { what: 'refresh', at: refreshDueAt(account, expiresAt) };
  if (expiringSince !== null) return { what: 'end', at: expiresAt };
  return { what: 'warning', at: warningAt(expiresAt) };
}

const LEAST_MS = 30_000;

/**
 * When the token pair should be refreshed: a fifth of its life (at most an hour, or ten days of a long life) before its end, and a little earlier
 * by an amount that differs from account to account, so that accounts connected together do not refresh together.
 */
function refreshDueAt({ id, tokenVersion, issuedAt }: Account, expiresAt: Date): Date {
  const life = expiresAt.getTime() - (issuedAt ?? expiresAt).getTime();
  // A token of two months leaves days to wait for the provider.
  const margin = Math.min(life * 0.2, life > 7 * DAY ? 10.5 * DAY : HOUR);
  const spread = createHash('sha256').update(`${id}:${tokenVersion}`).digest().readUInt32BE() / 2 ** 32;
  const due = expiresAt.getTime() - margin - spread * margin * 0.5;
  // However short its life is, a token is not refreshed twice in a row.
  return new Date(Math.max(due, (issuedAt ?? expiresAt).getTime() + LEAST_MS));
}

/** When the connection ends unless the creator reconnects the account; null: the provider has not said. */
export function connectionEndsAt(account: Account): Date | null {
  return isRenewable(account) ? account.refreshExpiresAt : account.expiresAt;
}

/** How long before the end of a connection its creator is warned. */
const WARNING_MS = 7 * DAY;

const warningAt = (end: Date): Date => new Date(end.getTime() - WARNING_MS);

/** Warns that the connection of an account is about to end, if it is: on the account and in the audit log, once for each token pair. */
export async function warnOfEnd(db: Db, account: Account): Promise<void> {
  const end = connectionEndsAt(account);
  if (account.expiringSince !== null || end === null || warningAt(end) > new Date()) return;
  await db.transaction(async (tx) => {
    const warned = await tx
      .update(oauthAccounts)
      .set({ expiringSince: sql`now()` })
      .where(
        and(
          eq(oauthAccounts.id, account.id),
          eq(oauthAccounts.tokenVersion, account.tokenVersion),
          eq(oauthAccounts.status, 'active'),
          isNull(oauthAccounts.expiringSince),
        ),
      )
      .returning({ id: oauthAccounts.id });
    if (warned.length > 0)
      await audit(tx, {
        userId: account.userId,
        actor: 'system',
        action: 'account.expiring',
        subject: account.id,
        details: { endsAt: end.toISOString() },
      });
  });
}
