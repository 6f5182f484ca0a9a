import type { Role } from './roles.ts';
import type { ProviderName } from '../providers/provider.ts';
import { driverOf } from '../test/drivers/index.ts';
import type { PlannedAccount } from './creators.ts';
import type { Random } from './random.ts';

/** A fault of the sandbox (sandbox/README.md, "Faults"). */
export interface Fault {
  endpoint: string;
  kind: string;
  times: number;
  after: number;
  ms?: number;
  http?: number;
  code?: string;
  when?: 'before' | 'after';
  afterBytes?: number;
}

/** A trouble and its time in milliseconds from the start of the round. */
export type Trouble = { at: number } & (
  | { kind: 'kill'; role: Role; index: number; downMs: number }
  /** Ends one connection to PostgreSQL, and the next ones as soon as they connect. */
  | { kind: 'backend'; draw: number; next: number }
  | { kind: 'fault'; fault: Fault }
  /** For the next webhooks. */
  | { kind: 'webhooks'; settings: Record<string, number> }
  /** The access tokens of an account expire early. */
  | { kind: 'expire'; account: number }
  /** A provider refuses its next post after it has all bytes. */
  | { kind: 'refuse'; provider: ProviderName }
  /** A provider sends an event about no post. */
  | { kind: 'tell'; account: number; mark: string }
  /** The providers' clock jumps past the expiry of upload URLs, of access tokens, or of containers too. */
  | { kind: 'clock'; advanceMs: number }
  /** The creator removes the app: tokens are dead, publishes in progress fail. */
  | { kind: 'remove'; account: number }
  /** The creator connects the account again. */
  | { kind: 'return'; account: number }
);

const KINDS = [
  ['accept-then-drop', 4],
  ['accept-then-500', 2],
  ['drop-before', 3],
  ['truncated', 2],
  ['html', 2],
  ['slow', 2],
  ['status', 2],
] as const;

export interface Scale {
  publishes: number;
  accounts: readonly PlannedAccount[];
  durationMs: number;
}

const MINUTE_MS = 60_000;
/**
 * A little more than the lifetimes of upload URLs, access tokens (tiktok-facts 4.3 and 2.5) and containers
 * (instagram-facts 4.3).
 */
const LIVES_MS = [63 * MINUTE_MS, 123 * MINUTE_MS, 1_503 * MINUTE_MS] as const;

/** Kills, faults, lost webhooks and dead tokens, in a fixed proportion to the posts. */
export function planTrouble(random: Random, { publishes, accounts, durationMs }: Scale): Trouble[] {
  const troubles: Trouble[] = [];
  const at = (): number => random.int(0, durationMs);
  const account = (): number => random.int(0, accounts.length - 1);
  const some = (share: number, make: () => Trouble | Trouble[]): void => {
    for (let left = Math.ceil(publishes * share); left > 0; left -= 1) troubles.push(...[make()].flat());
  };
  const kill = (role: Role, processes: number) => (): Trouble => ({
    at: at(),
    kind: 'kill',
    role,
    index: random.int(0, processes - 1),
    downMs: random.int(0, 2_500),
  });
  some(1 / 40, kill('worker', 2));
  some(1 / 40, kill('server', 2));
  some(1 / 70, kill('temporal', 1));
  some(1 / 70, kill('postgres', 1));
  some(0.5, () => ({ at: at(), kind: 'fault', fault: planFault(random, random.pick(accounts).provider) }));
  some(0.1, () => ({ at: at(), kind: 'webhooks', settings: planWebhooks(random) }));
  some(0.08, () => ({ at: at(), kind: 'expire', account: account() }));
  some(0.02, () => ({ at: at(), kind: 'refuse', provider: random.pick(accounts).provider }));
  some(0.1, () => ({ at: at(), kind: 'tell', account: account(), mark: `told-${random.int(0, 1e9)}` }));
  some(1 / 50, () => planJump(random, at(), random.pick(accounts).provider));
  some(1 / 40, () => planRemoval(random, at(), account()));
  some(1 / 5, () => ({ at: at(), kind: 'backend', draw: random.int(0, 999), next: random.int(0, 3) }));
  return troubles.toSorted((a, b) => a.at - b.at);
}

/** Uploads are slowed down first, so that some are in progress when the clock jumps. */
function planJump(random: Random, at: number, provider: ProviderName): Trouble[] {
  const fault: Fault = {
    endpoint: driverOf(provider).chaos.upload,
    kind: 'slow',
    times: 3,
    after: 0,
    ms: 1_500,
  };
  return [
    { at, kind: 'fault', fault },
    { at: at + 1_000, kind: 'clock', advanceMs: random.pick(LIVES_MS) },
  ];
}

/** Long enough for posts to start waiting for the account, or too short for it. */
function planRemoval(random: Random, at: number, account: number): Trouble[] {
  return [
    { at, kind: 'remove', account },
    { at: at + random.int(200, 5_000), kind: 'return', account },
  ];
}

function planFault(random: Random, provider: ProviderName): Fault {
  const { endpoints, answers } = driverOf(provider).chaos;
  const endpoint = random.weigh(endpoints);
  const base = { endpoint, times: random.int(1, 2), after: random.int(0, 3) };
  if (endpoint.startsWith('webhook'))
    return { ...base, kind: random.pick(['drop-before', 'accept-then-drop']) };
  const kind = random.weigh(KINDS);
  switch (kind) {
    case 'slow':
      return { ...base, kind, ms: random.int(200, 4_000) };
    case 'html':
      return { ...base, kind, http: 502, when: random.pick(['before', 'after']) };
    case 'status':
      return { ...base, kind, ...random.pick(answers(endpoint)) };
    default:
      return { ...base, kind };
  }
}

function planWebhooks(random: Random): Record<string, number> {
  return random.pick([
    { drop: random.int(1, 3) },
    { duplicate: random.int(1, 5) },
    { delay: random.int(1, 5), delayMs: random.int(200, 4_000) },
    { reorder: random.int(2, 5) },
  ]);
}
