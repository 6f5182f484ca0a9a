import { type QuotaUse, quotaUse } from '../db/quotas.ts';
import type { Quota } from '../providers/provider.ts';
import type { Deps } from './deps.ts';
import { textOrNull } from './schemas.ts';

/** One request of each sort whose writes a provider counts apart. */
const SORTS: Readonly<Record<string, readonly object[]>> = {
  tiktok: [
    { source: 'FILE_UPLOAD', mode: 'direct', postInfo: {} },
    { source: 'FILE_UPLOAD', mode: 'inbox', postInfo: {} },
    { source: 'PULL_FROM_URL', mode: 'direct', postInfo: {}, photoUrls: ['https://media.example/1.webp'] },
  ],
};

/** How much of its quotas an account has used, as clients see it. */
export async function quotasOf(
  { database: { db }, providers }: Deps,
  account: { id: string; provider: string },
) {
  const publishing = providers.find(account.provider)?.publishing;
  const rules = new Map<string, Quota>();
  for (const request of SORTS[account.provider] ?? [])
    for (const quota of publishing?.quotasOf('init', request) ?? []) rules.set(quota.bucket, quota);
  return (await quotaUse(db, account.id, [...rules.values()])).map(quotaView);
}

export function quotaView({ quota, limit, used, remaining, resetAt }: QuotaUse) {
  return { quota, limit, used, remaining, resetAt: textOrNull(resetAt) };
}
