import type { Account } from '../../db/accounts.ts';
import { accountsWithOldLines, accountsWithoutLines, dueAccounts } from '../../db/sync/due.ts';
import { ensureLines, resumeLines } from '../../db/sync/lines.ts';
import { pauseLines } from '../../db/sync/pause.ts';
import type { Stream } from '../../providers/reading.ts';
import type { StreamName } from '../../reading.ts';
import { startSync } from '../../temporal/sync.ts';
import type { Deps } from '../deps.ts';

/** Each minute starts at most so many rounds. */
const MOST = 300;

/** Brings the lines of all accounts up to date with the accounts, and starts rounds. @returns their number */
export async function startDueSyncs(deps: Deps): Promise<number> {
  const { db, providers, temporal } = deps;
  const readable = [
    ...new Set(providers.all.filter(({ reading }) => reading !== undefined).map(({ name }) => name)),
  ];
  for (const account of await accountsWithoutLines(db, readable, MOST)) {
    const reading = providers.find(account.provider, account.method)?.reading;
    if (reading !== undefined)
      await ensureLines(db, account, reading.streams.map(nameOf), reading.unsupported);
  }
  for (const account of await accountsWithOldLines(db, MOST))
    if (account.status === 'active') await resumeLines(db, account);
    else await pauseLines(db, account.id, account.status);
  const due = await dueAccounts(db, MOST);
  for (const account of due) await startSync(temporal, account);
  return due.length;
}

/** Brings the lines of one account up to date before it is read. */
export async function prepareLines({ db, providers }: Deps, account: Account): Promise<void> {
  const reading = providers.find(account.provider, account.method)?.reading;
  if (reading === undefined) return;
  await ensureLines(db, account, reading.streams.map(nameOf), reading.unsupported);
  await resumeLines(db, account);
}

const nameOf = ({ name }: Stream): StreamName => name;
