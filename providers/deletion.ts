import type { Quota } from './quotas.ts';

/** Deleting what is live. */
export interface Deletion {
  /** The scope that an account needs for it; not needed for anything else. */
  readonly scope: string;
  /** Each post that is deleted takes one. */
  readonly quota: Quota;
  /** Deletes one post; one that is gone already counts as deleted. Asking twice is harmless. @throws ProviderError */
  remove(
    providerPostId: string,
    call: { openId: string; accessToken: string; signal: AbortSignal },
  ): Promise<void>;
}
