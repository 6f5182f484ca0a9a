import type { Deletion } from './deletion.ts';
import type { OAuth } from './oauth.ts';
import type { Permissions } from './permissions.ts';
import type { Publishing } from './publishing.ts';
import type { ToldQuota } from './quotas.ts';
import type { Reading } from './reading.ts';
import type { Webhooks } from './webhooks.ts';

/*
 * The interface of a platform. A provider speaks HTTP and knows neither database nor workflow: its input is in the
 * arguments, its output in the result, and it fails with a ProviderError.
 */

/** The product's own platforms: the registry (index.ts) has all of them. */
export const PROVIDER_NAMES = ['tiktok', 'instagram', 'threads'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** A platform. If it has several ways to connect, and accounts differ by them, there is a provider for each. */
export interface Provider {
  /** As in the registry. */
  readonly name: string;
  /** The name as people write it. */
  readonly title: string;
  /** The name of the way to connect; absent: there is only one. */
  readonly method?: string;
  readonly permissions: Permissions;
  readonly oauth: OAuth;
  readonly publishing: Publishing;
  /** Absent: the platform sends no webhooks. */
  readonly webhooks?: Webhooks;
  /** Absent: no app may delete posts there. */
  readonly deletion?: Deletion;
  /** Absent: nothing can be read there. */
  readonly reading?: Reading;
  /** The state of an account's quotas, in the platform's own words; absent: it reports none. @throws ProviderError */
  readonly limits?: (
    account: { openId: string; scopes: readonly string[] },
    accessToken: string,
    signal: AbortSignal,
  ) => Promise<ToldQuota[]>;
}

/** A platform that reports changes by webhook. */
export type Teller = Provider & { readonly webhooks: Webhooks };
