import { createRandom, type Random } from './random.ts';
import { planTrouble, type Trouble } from './trouble.ts';

/* What a seed means: which posts are offered when, and what breaks meanwhile. Pure. */

/** The files that posts are made of; `chunks` goes in several. */
export type FileName = 'tiny' | 'small' | 'medium' | 'chunks';

export interface PlannedPublish {
  /** Milliseconds from the start of the round. */
  at: number;
  /** Number of the account. */
  account: number;
  /** `missing`: a URL that answers 404, so the post has to fail. */
  source: 'file' | 'url' | 'photos' | 'missing';
  file: FileName;
  /** Whether the file is uploaded to us just before, under faults too. */
  ownUpload: boolean;
  mode: 'direct' | 'inbox';
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
  accounts: number;
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
  const accounts = Math.max(4, Math.ceil(publishes / 3));
  const durationMs = Math.min(14_000, Math.max(6_000, publishes * 120));
  return {
    seed,
    accounts,
    durationMs,
    publishes: Array.from({ length: publishes }, () => planPublish(random, accounts, durationMs)),
    troubles: planTrouble(random, { publishes, accounts, durationMs }),
  };
}

function planPublish(random: Random, accounts: number, durationMs: number): PlannedPublish {
  const source = random.weigh([
    ['file', 60],
    ['url', 26],
    ['photos', 12],
    ['missing', 2],
  ] as const);
  const scheduled = random.chance(0.2);
  const after = (share: number, most: number): number | null =>
    random.chance(share) ? random.int(0, most) : null;
  return {
    at: random.int(0, durationMs),
    account: random.int(0, accounts - 1),
    source,
    file: random.weigh([
      ['tiny', 45],
      ['small', 40],
      ['medium', 12],
      ['chunks', 3],
    ]),
    ownUpload: source === 'file' && random.chance(0.1),
    mode: random.chance(0.3) ? 'inbox' : 'direct',
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
