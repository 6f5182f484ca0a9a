import { heartbeat } from '@temporalio/activity';
import { accountInService } from '../../db/sync/due.ts';
import { SECOND } from '../../durations.ts';
import type { SliceOutcome } from '../../temporal/contract.ts';
import { alive } from '../alive.ts';
import type { Deps } from '../deps.ts';
import { prepareLines, startDueSyncs } from './due.ts';
import { openReader } from './reader.ts';
import { createTurns } from './turns.ts';
import { nextWork } from './work.ts';

/** A slice ends after so many calls or so much time, so that accounts take turns. */
const MOST_CALLS = 25;
const MOST_MS = 20 * SECOND;
/** Steps without a call, such as the end of a pass, are bounded too. */
const MOST_STEPS = 200;
/** Slices of a worker at one time; the others that it has taken from the queue wait for their tenants' turns. */
const AT_ONCE = 4;

export const createSyncActivities = (deps: Deps) => {
  const turns = createTurns(AT_ONCE);
  return {
    startDueSyncs: (): Promise<number> => startDueSyncs(deps),

    /** Reads and stores some pages of one account; each page is stored before the next one is read. */
    syncSlice: ({ accountId }: { accountId: string }): Promise<SliceOutcome> =>
      alive(async (signal) => {
        const account = await accountInService(deps.db, accountId);
        if (account === null || !deps.syncs) return UNREADABLE;
        return turns.take(account.userId, signal, () => runSlice(deps, accountId, signal));
      }),
  };
};

const UNREADABLE: SliceOutcome = { kind: 'done', did: 'The account cannot be read' };

async function runSlice(deps: Deps, accountId: string, signal: AbortSignal): Promise<SliceOutcome> {
  const until = performance.now() + MOST_MS;
  const done = new Map<string, Tally>();
  let calls = 0;
  for (let step = 0; step < MOST_STEPS && calls < MOST_CALLS && performance.now() < until; step += 1) {
    signal.throwIfAborted();
    const reader = await openReader(deps, accountId, signal);
    if (reader === null) return UNREADABLE;
    if ('tokenRefused' in reader) return refused(done, reader.tokenRefused);
    if (step === 0) await prepareLines(deps, reader.account);
    const work = await nextWork(deps, reader);
    if (work === null) return { kind: 'done', did: inWords(done) };
    heartbeat(work.words);
    const did = await work.do();
    calls += did.calls;
    const before = done.get(work.words) ?? { calls: 0, rows: 0 };
    done.set(work.words, { calls: before.calls + did.calls, rows: before.rows + (did.rows ?? 0) });
    if (did.tokenRefused !== undefined) return refused(done, did.tokenRefused);
  }
  return { kind: 'more', did: inWords(done) };
}

/** What the steps of one kind took and brought. */
interface Tally {
  calls: number;
  rows: number;
}

const refused = (done: ReadonlyMap<string, Tally>, tokenVersion: number): SliceOutcome => ({
  kind: 'token_refused',
  did: inWords(done),
  tokenVersion,
});

/** What operators read in the Temporal UI. */
function inWords(done: ReadonlyMap<string, Tally>): string {
  if (done.size === 0) return 'Nothing is due';
  return [...done].map(([words, { calls, rows }]) => `${words}${numbersOf(calls, rows)}`).join('. ');
}

function numbersOf(calls: number, rows: number): string {
  if (calls === 0) return '';
  return `: ${counted(rows, 'row')} in ${counted(calls, 'call')}`;
}

const counted = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
