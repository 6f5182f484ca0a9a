import { ProviderError } from '../errors.ts';
import { amount, record } from '../json.ts';
import type { ToldQuota } from '../quotas.ts';

/* How the platforms tell what an account may still publish (instagram-facts 4.5, threads-facts 4.7). */

/** Quotas in an answer. @param wanted each with how its fields begin */
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
 * Nothing, where a platform does not tell its limits: the ledger knows enough, and a refusal comes with the publish.
 * @throws ProviderError where no other call would do better
 */
export async function unlessRefused(told: Promise<ToldQuota[]>): Promise<ToldQuota[]> {
  try {
    return await told;
  } catch (error) {
    if (error instanceof ProviderError && error.kind !== 'token' && !error.everyCall) return [];
    throw error;
  }
}
