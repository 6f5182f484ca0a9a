import { openAccessToken } from '../../crypto/tokens.ts';
import type { Account } from '../../db/accounts.ts';
import type { ProviderTables } from '../../db/provider-tables.ts';
import { tablesOf } from '../../db/registry.ts';
import { accountInService } from '../../db/sync/due.ts';
import type { PageOf } from '../../db/sync/store-page.ts';
import { accountKey } from '../../db/tokens.ts';
import type { Reading, ReadCall, Stream } from '../../providers/reading.ts';
import type { Deps } from '../deps.ts';
import { hasEnded } from '../loaded-account.ts';

/** An account that can be read right now. */
export interface Reader {
  account: Account;
  reading: Reading;
  copies: NonNullable<ProviderTables['copies']>;
  call: ReadCall;
}

/** What one step of a slice did. */
export interface Did {
  /** The calls that it took. */
  calls: number;
  /** The rows that it has read. */
  rows?: number;
  /** The token of this version was refused. */
  tokenRefused?: number;
}

/** @returns null if the account is out of service, or nothing can be read from its provider */
export async function openReader(
  { db, envelope, providers }: Deps,
  accountId: string,
  signal: AbortSignal,
): Promise<Reader | { tokenRefused: number } | null> {
  const account = await accountInService(db, accountId);
  if (account === null) return null;
  const reading = providers.find(account.provider, account.method)?.reading;
  const { copies } = tablesOf(account.provider);
  const sealed = account.accessTokenEncrypted;
  if (reading === undefined || copies === undefined || sealed === null) return null;
  if (hasEnded(account.expiresAt)) return { tokenRefused: account.tokenVersion };
  const accessToken = await openAccessToken(envelope, await accountKey(db, account), account, sealed);
  const { openId, username, scope: scopes } = account;
  return {
    account,
    reading: asToldOf(account, reading),
    copies,
    call: { openId, username, scopes, accessToken, signal },
  };
}

/** Where the platform sends the account's events, some streams are read less often. */
function asToldOf({ metadata: { webhooks } }: Account, reading: Reading): Reading {
  const isSubscribed =
    typeof webhooks === 'object' &&
    webhooks !== null &&
    'subscribed' in webhooks &&
    webhooks.subscribed === true;
  if (!isSubscribed) return reading;
  const streams = reading.streams.map(({ cadenceWithEvents, ...stream }) =>
    cadenceWithEvents === undefined ? stream : { ...stream, cadence: cadenceWithEvents },
  );
  return { ...reading, streams };
}

export const spender = ({ account: { provider, openId, id } }: Reader) => ({
  provider,
  openId,
  accountId: id,
});

export const owner = ({ account: { userId, id } }: Reader) => ({ userId, accountId: id });

/** The creator's consent under which it reads. */
export const loginOf = ({ account }: Reader): string =>
  `${account.method ?? ''} ${account.connectedAt.toISOString()}`;

/** Where a page of this reader belongs. */
export function pageOf(
  { account, copies }: Reader,
  read: { readAt: string; pass: number | null; quiet: boolean },
): PageOf {
  return { account, copies, source: 'page', ...read };
}

/** The scopes of a stream that the account has not granted. */
export function missingScopes({ scopes }: Stream, { account }: Reader): string[] {
  return scopes.filter((scope) => !account.scope.includes(scope));
}
