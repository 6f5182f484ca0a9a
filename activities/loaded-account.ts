import { type Account, accountById } from '../db/accounts.ts';
import type { TokenStanding } from '../temporal/contract.ts';
import type { Deps } from './deps.ts';

/** @throws Error if there is no such account */
export async function loadAccount({ db }: Deps, accountId: string): Promise<Account> {
  const account = await accountById(db, accountId);
  if (account === null) throw new Error(`no account ${accountId}`);
  return account;
}

export function standing({ status, tokenVersion }: Account): TokenStanding {
  return { status, tokenVersion };
}

export function hasEnded(at: Date | null): boolean {
  return at !== null && at.getTime() <= Date.now();
}
