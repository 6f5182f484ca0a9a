import { ProviderError } from '../errors.ts';
import { amount, record } from '../json.ts';
import type { ToldQuota } from '../quotas.ts';

/* Reads how many posts an account has left (instagram-facts 4.5, threads-facts 4.7). */

/** The quotas in an answer. @param wanted each quota with the prefix of its fields */
export function toldQuotas(
  row: Readonly<Record<string, unknown>> | undefined,
  wanted: readonly { bucket: string; prefix: string }[],
): ToldQuota[] {
  return wanted.flatMap(({ bucket, prefix }) => {
    const used = amount(row?.[`${prefix}quota_usage`]);
    const limit = amount(record(row?.[`${prefix}config`])?.['quota_total']);
    return used === null || limit === null ? [] : [{ bucket, limit, used }];
  });
}

/**
 * Returns nothing if a platform does not give its limits: our ledger knows enough, and the publish call gets a refusal if not.
 * @throws ProviderError if every other call would fail as well
 */
export async function unlessRefused(told: Promise<ToldQuota[]>): Promise<ToldQuota[]> {
  try {
    return await told;
  } catch (error) {
    if (error instanceof ProviderError && error.kind !== 'token' && !error.everyCall) return [];
    throw error;
  }
}
