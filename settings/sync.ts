import type { Reader } from './reader.ts';

/**
 * What Everpost copies from the platforms:
 * - `granted`: what the scopes of each account allow; consents ask by default for the scopes of publishing only
 * - `on`: the same, and consents ask by default also for the scopes that copying needs
 * - `off`: nothing
 */
const SYNC = ['granted', 'on', 'off'] as const;
export type Sync = (typeof SYNC)[number];

export type SyncName = 'EVERPOST_SYNC';

export function readSync({ value, problem }: Reader<SyncName>): Sync {
  const found = SYNC.find((one) => one === value('EVERPOST_SYNC'));
  if (found === undefined) problem(`EVERPOST_SYNC must be ${SYNC.join(', ').replace(/, (?=\w+$)/, ' or ')}`);
  return found ?? 'granted';
}
