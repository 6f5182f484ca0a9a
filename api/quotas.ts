import { type QuotaUse, quotaUse } from '../db/quotas.ts';
import type { Deps } from './deps.ts';
import { textOrNull } from './schemas.ts';

/** How much of its quotas an account has used, as clients see it. */
export async function quotasOf(
  { database: { db }, providers }: Deps,
  account: { id: string; provider: string },
) {
  const quotas = providers.find(account.provider)?.publishing.quotas ?? [];
  return (await quotaUse(db, account.id, quotas)).map(quotaView);
}

export function quotaView({ quota, limit, used, remaining, resetAt }: QuotaUse) {
  return { quota, limit, used, remaining, resetAt: textOrNull(resetAt) };
}
