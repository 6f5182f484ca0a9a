import { PROVIDER_NAMES } from '../providers/provider.ts';
import { driverOf } from '../test/drivers/index.ts';
import type { Content } from '../test/drivers/chaos.ts';
import type { PlannedAccount } from './creators.ts';
import { createRandom, type Random } from './random.ts';
import { planTrouble, type Trouble } from './trouble.ts';

/* What a seed means: which posts are offered when, and what breaks meanwhile. Pure. */

export interface PlannedPublish {
  /** Milliseconds from the start of the round. */
  at: number;
  /** Number of the account. */
  account: number;
  content: Content;
  /** Whether its files are uploaded to us just before, under faults too. */
  ownUpload: boolean;
  scheduledInMs: number | null;
  /** Moved to `scheduledInMs` from an hour, as long after it was accepted. */
  rescheduleAfterMs: number | null;
  /** Identical API calls at once, with one key. */
  calls: number;
  /** The same call once more, as long after it was accepted. */
  replayAfterMs: number | null;
  cancelAfterMs: number | null;
}

export interface RoundPlan {
  seed: number;
  accounts: readonly PlannedAccount[];
  durationMs: number;
  publishes: readonly PlannedPublish[];
  troubles: readonly Trouble[];
}

/**
 * The plan of one round.
 * @param publishes how many posts are offered
 */
export function planRound(seed: number, publishes: number): RoundPlan {
  const random = createRandom(seed);
  const accounts = planAccounts(random, Math.max(4, Math.ceil(publishes / 3)));
  const durationMs = Math.min(14_000, Math.max(6_000, publishes * 120));
  return {
    seed,
    accounts,
    durationMs,
    publishes: Array.from({ length: publishes }, () => planPublish(random, accounts, durationMs)),
    troubles: planTrouble(random, { publishes, accounts, durationMs }),
  };
}

/** Every way to connect an account. */
const WAYS: readonly PlannedAccount[] = PROVIDER_NAMES.flatMap((provider) =>
  driverOf(provider).ways.map(({ method }) => ({ provider, method })),
);

/** All providers, each at least once in every way. */
function planAccounts(random: Random, count: number): PlannedAccount[] {
  const drawn = Array.from({ length: count - WAYS.length }, () => {
    const provider = random.weigh([
      ['tiktok', 40],
      ['instagram', 30],
      ['threads', 30],
    ] as const);
    return { provider, method: random.pick(driverOf(provider).ways).method };
  });
  return [...WAYS, ...drawn];
}

function planPublish(
  random: Random,
  accounts: readonly PlannedAccount[],
  durationMs: number,
): PlannedPublish {
  const account = random.int(0, accounts.length - 1);
  const content = driverOf(accounts[account]?.provider ?? 'tiktok').chaos.draw(random);
  const scheduled = random.chance(0.2);
  const after = (share: number, most: number): number | null =>
    random.chance(share) ? random.int(0, most) : null;
  return {
    at: random.int(0, durationMs),
    account,
    content,
    ownUpload: random.chance(0.1),
    scheduledInMs: scheduled ? random.int(500, 8_000) : null,
    rescheduleAfterMs: scheduled ? after(0.4, 3_000) : null,
    calls: random.weigh([
      [1, 70],
      [2, 20],
      [5, 10],
    ]),
    replayAfterMs: after(0.2, 5_000),
    cancelAfterMs: after(0.12, 4_000),
  };
}
