import type { Deletion } from './deletion.ts';
import type { OAuth } from './oauth.ts';
import type { Permissions } from './permissions.ts';
import type { Publishing } from './publishing.ts';
import type { ToldQuota } from './quotas.ts';
import type { Webhooks } from './webhooks.ts';

/*
 * What Everpost asks of a platform. A provider speaks HTTP and knows neither database nor workflow; whatever it
 * needs is in the arguments, whatever it learns is in the result, and what goes wrong is a ProviderError.
 */

/** All that stand in the registry (index.ts). */
export const PROVIDER_NAMES = ['tiktok', 'instagram', 'threads'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** A platform; once for each way to connect an account, where it has several and accounts differ by it. */
export interface Provider {
  /** As in the registry. */
  readonly name: string;
  /** The name as people write it. */
  readonly title: string;
  /** Names the way to connect; absent: there is only one. */
  readonly method?: string;
  readonly permissions: Permissions;
  readonly oauth: OAuth;
  readonly publishing: Publishing;
  /** Absent: it tells nothing by itself. */
  readonly webhooks?: Webhooks;
  /** Absent: no app may delete posts there. */
  readonly deletion?: Deletion;
  /** How the account's quotas stand, in the provider's own words; absent: it tells none. @throws ProviderError */
  readonly limits?: (
    account: { openId: string; scopes: readonly string[] },
    accessToken: string,
    signal: AbortSignal,
  ) => Promise<ToldQuota[]>;
}

/** A platform that tells us by webhook what changes. */
export type Teller = Provider & { readonly webhooks: Webhooks };
