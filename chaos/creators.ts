import type { ProviderName } from '../providers/provider.ts';
import type { Creator, Person } from '../test/drivers/sandbox.ts';

/** An account that a seed wants. */
export interface PlannedAccount {
  provider: ProviderName;
  /** How it is connected; null: as usual. */
  method: string | null;
}

/** Somebody whose account the round connects. */
export type ChaosCreator = PlannedAccount & Creator;

/** An account of the round. */
export type ChaosAccount = PlannedAccount & Person;
