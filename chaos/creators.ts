import type { ProviderName } from '../providers/provider.ts';

/** An account that a seed wants. */
export interface PlannedAccount {
  provider: ProviderName;
  /** How it is connected; null: as usual. */
  method: string | null;
}

/** Somebody whose account can be connected. */
export interface Creator extends PlannedAccount {
  /** Whoever consents, at the sandbox. */
  username: string;
}

/** An account of the round. */
export interface ChaosAccount extends Creator {
  id: string;
  openId: string;
}
