import type { Quota } from './quotas.ts';

/** Deletes live posts. */
export interface Deletion {
  /** The scope that an account needs to delete; nothing else needs it. */
  readonly scope: string;
  /** Each deleted post takes one. */
  readonly quota: Quota;
  /** Deletes one post; a missing one counts as deleted. Repeating it is harmless. @throws ProviderError */
  remove(
    providerPostId: string,
    call: { openId: string; accessToken: string; signal: AbortSignal },
  ): Promise<void>;
}
