import { type QuotaFull, type QuotaUse, quotaUse } from '../db/quotas.ts';
import type { Deps } from './deps.ts';
import { type ApiError, apiError } from './errors.ts';
import { textOrNull } from './schemas.ts';

/** An account's use of its quotas, as clients see it. */
export async function quotasOf(
  { database: { db }, providers }: Deps,
  account: { id: string; provider: string; method: string | null },
) {
  const quotas = providers.find(account.provider, account.method)?.publishing.quotas ?? [];
  return (await quotaUse(db, account.id, quotas)).map(quotaView);
}

function quotaView({ quota, limit, used, remaining, resetAt }: QuotaUse) {
  return { quota, limit, used, remaining, resetAt: textOrNull(resetAt) };
}

/** The error of a full quota, with its reset time and when to try again. */
export function quotaExceeded(full: QuotaFull): ApiError {
  return apiError('quota_exceeded', {
    details: quotaView(full),
    retryAfterMs: Math.max(1000, full.askAgainAt.getTime() - Date.now()),
  });
}
