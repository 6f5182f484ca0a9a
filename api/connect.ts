import { randomBytes } from 'node:crypto';
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import { randomToken, sha256Hex } from '../crypto/signatures.ts';
import type { Account } from '../db/accounts.ts';
import {
  findConnectLink,
  findOAuthState,
  insertOAuthState,
  type OAuthState,
  takeOAuthState,
} from '../db/connect.ts';
import { endGrantCall, noteExchange } from '../db/grant-calls.ts';
import { ensureLines, resumeLines } from '../db/sync/lines.ts';
import { ProviderError } from '../providers/errors.ts';
import { missingFrom } from '../providers/permissions.ts';
import type { Provider } from '../providers/provider.ts';
import type { Grant } from '../providers/oauth.ts';
import { signalAccountChanged } from '../temporal/keepers.ts';
import { wakeSync } from '../temporal/sync.ts';
import { noted, noteRefusal } from './access.ts';
import { afterRevocations } from './connect-order.ts';
import { giveBack, saveGrants } from './connect-store.ts';
import { type Deadline, deadlineIn } from './deadline.ts';
import type { Deps } from './deps.ts';
import { tell } from './temporal.ts';

/* The way of a creator from "connect" to a stored account. */

/** How long a creator may take at the provider. */
const STATE_MS = 600_000;
const EXCHANGE_MS = 20_000;
/** Exchange and storing together. */
const CONNECT_MS = EXCHANGE_MS + 10_000;
/** A whole callback, including the wait for revocations. */
const FINISH_MS = 35_000;
/** The part of it for storing or revoking after the exchange. */
const AFTER_EXCHANGE_MS = 5_000;

/** Why an account was not connected; `api/connect-pages.ts` has the words for the creator. */
export type ConnectFailure =
  | {
      code:
        | 'invalid_link'
        | 'cross_origin'
        | 'cookie_missing'
        | 'invalid_state'
        | 'access_denied'
        | 'no_professional_account';
    }
  | { code: 'missing_scopes'; scopes: readonly string[] }
  | { code: 'provider_error'; unavailable: boolean; details: Record<string, unknown> };

/**
 * `stateId`: the attempt that has ended; null: there was none, or it belongs to another browser. `earlierId`: an attempt
 * of this browser that had ended before.
 */
export type ConnectResult = {
  returnTo: string | null;
  stateId: string | null;
  earlierId?: string | null;
} & ({ accounts: Account[] } | { failure: ConnectFailure });

/** The user and the platform of an attempt. */
export interface Attempt {
  userId: string;
  returnTo: string | null;
  connectLinkId: string | null;
  /** The way to connect; null: the default. */
  method: string | null;
  /** The name of the asking user, from the link. */
  name: string | null;
}

/**
 * Begins an attempt after any revocation in progress, which could end the new grant.
 * @param browser the browser's half of the state
 * @returns the provider's consent page
 */
export async function beginConnect(
  { database: { db }, keys }: Deps,
  provider: Provider,
  { userId, returnTo, connectLinkId }: Attempt,
  browser: string,
): Promise<string | ConnectFailure> {
  const state = randomToken();
  const verifier = randomBytes(32);
  const { keyId, wrapped } = await keys.wrap(verifier);
  const begun = await afterRevocations(db, provider.name, async (tx) => {
    await insertOAuthState(tx, {
      userId,
      returnTo,
      connectLinkId,
      browserHash: sha256Hex(browser),
      provider: provider.name,
      method: provider.method ?? null,
      hash: sha256Hex(state),
      verifierKekId: keyId,
      verifierWrapped: wrapped,
      expiresAt: new Date(Date.now() + STATE_MS),
    });
    return true;
  });
  if (begun === null) return busy(provider.name);
  return provider.oauth.authorizeUrl({ state, codeVerifier: verifier.toString('base64url') });
}

/** Some platforms append a fragment to the redirect, and some browsers send it along. */
const stateOf = ({ state = '' }: CallbackQuery): string => state.replace(/#_(=_)?$/, '');

export interface CallbackQuery {
  state?: string;
  code?: string;
  error?: string;
  error_reason?: string;
  error_description?: string;
  error_code?: string;
  error_message?: string;
}

/**
 * Ends an attempt: the provider's answer becomes an account, or the reason for a failure. An attempt of another browser
 * does not change.
 * @param browser this browser's half of the state
 */
export async function finishConnect(
  deps: Deps,
  request: FastifyRequest,
  name: string,
  query: CallbackQuery,
  browser: string | null,
): Promise<ConnectResult> {
  const { db } = deps.database;
  const time = deadlineIn(FINISH_MS);
  const hash = sha256Hex(stateOf(query));
  const browserHash = browser === null ? null : sha256Hex(browser);
  // One commit: the attempt is either open or in its exchange, never in between.
  const taken = await afterRevocations(db, name, async (tx) => {
    const mine = browserHash === null ? null : await takeOAuthState(tx, name, hash, browserHash);
    return mine === null ? 'invalid' : { state: mine, exchange: await noteExchange(tx, name, CONNECT_MS) };
  });
  const state = taken === null || taken === 'invalid' ? null : taken.state;
  const known = state ?? (await findOAuthState(db, name, hash));
  // All methods share this callback; the attempt holds the method.
  const provider = deps.providers.find(name, state?.method);
  let result: Account[] | ConnectFailure = { code: 'invalid_state' };
  if (taken === null) result = busy(name);
  else if (taken !== 'invalid' && provider !== null)
    try {
      result = await connect(deps, request, provider, { ...taken, time }, query);
    } finally {
      await endGrantCall(db, taken.exchange);
    }
  // Do not redirect for another browser's attempt: an attacker can send anyone to this callback.
  const isMine = known !== null && known.browserHash === browserHash;
  const returnTo = isMine ? known.returnTo : null;
  const { ip } = request;
  const userId = known?.userId ?? null;
  if (Array.isArray(result)) {
    for (const account of result) {
      await noted(request, db, {
        actor: 'creator',
        userId,
        ip,
        action: 'account.connected',
        subject: account.id,
        details: { provider: name, method: account.method, scopes: account.scope },
      });
      await tell(deps.temporal, request.log, `keepTokenFresh of ${account.id}`, () =>
        signalAccountChanged(deps.temporal, account),
      );
      await beginSync(deps, request.log, account);
    }
    return { returnTo, stateId: state?.id ?? null, accounts: result };
  }
  // An attempt ends once; callers without an open attempt may call again and again.
  const note = state === null ? noteRefusal : noted;
  await note(request, db, {
    actor: userId === null ? 'anonymous' : 'creator',
    userId,
    ip,
    action: 'account.connect_failed',
    subject: name,
    details: { ...result },
  });
  return { returnTo, stateId: state?.id ?? null, earlierId: isMine ? known.id : null, failure: result };
}

/** Makes the lines of the account's streams, all due, and starts the first round. */
async function beginSync(deps: Deps, log: FastifyBaseLogger, account: Account): Promise<void> {
  const { config, database, providers, temporal } = deps;
  const reading = providers.find(account.provider, account.method)?.reading;
  if (config.sync === 'off' || reading === undefined) return;
  const names = reading.streams.map(({ name }) => name);
  await ensureLines(database.db, account, names, reading.unsupported);
  await resumeLines(database.db, account);
  await tell(temporal, log, `sync of ${account.id}`, () => wakeSync(temporal, account));
}

/** The refusal while a revocation is in progress: it could end a new login. */
const busy = (provider: string): ConnectFailure => ({
  code: 'provider_error',
  unavailable: true,
  details: { provider, providerCode: null, providerMessage: null, logId: null },
});

async function connect(
  deps: Deps,
  request: FastifyRequest,
  provider: Provider,
  { state, exchange, time }: { state: OAuthState; exchange: string; time: Deadline },
  query: CallbackQuery,
): Promise<Account[] | ConnectFailure> {
  const { code, error, error_reason: reason } = query;
  if (error !== undefined || code === undefined) {
    // Platforms spell `error` in several ways, but all use this value for a creator's refusal.
    if (error === 'access_denied' || reason === 'user_denied') return { code: 'access_denied' };
    const { details } = new ProviderError({
      provider: provider.name,
      kind: 'grant',
      code: 'provider_error',
      message: `${provider.name} sent the creator back without a code`,
      userMessage: 'The account was not connected.',
      // The dialog of a misconfigured app uses the second name of each.
      providerCode: error ?? query.error_code ?? null,
      providerMessage: query.error_description ?? query.error_message ?? null,
    });
    return { code: 'provider_error', unavailable: false, details };
  }
  const link =
    state.connectLinkId === null ? null : await findConnectLink(deps.database.db, state.connectLinkId);
  if (link !== null && link.usedAt !== null) return { code: 'invalid_link' };

  const exchangeMs = Math.max(1, Math.min(EXCHANGE_MS, time.left() - AFTER_EXCHANGE_MS));
  let granted: { scopes: readonly string[]; grants: Grant[] };
  try {
    const verifier = Buffer.from(await deps.keys.unwrap(state.verifierKekId, state.verifierWrapped)).toString(
      'base64url',
    );
    granted = await provider.oauth.exchangeCode(code, verifier, AbortSignal.timeout(exchangeMs));
  } catch (cause) {
    if (!(cause instanceof ProviderError)) throw cause;
    request.log.warn({ err: cause, ...cause.details }, 'the provider did not exchange the code');
    return {
      code: 'provider_error',
      unavailable: cause.code === 'provider_unavailable' || cause.kind === 'quota',
      details: cause.details,
    };
  }
  const { grants } = granted;
  const scopes = missingFrom(provider.permissions, granted.scopes);
  if (scopes.length > 0) {
    await giveBack(deps, request, provider, { grants, exchange, userId: state.userId, time });
    return { code: 'missing_scopes', scopes };
  }
  if (grants.length === 0) return { code: 'no_professional_account' };
  const saved = await saveGrants(deps, provider, state, grants);
  if (saved !== null) {
    for (const [index, { metadata }] of grants.entries())
      if (metadata.webhooks?.subscribed === false)
        request.log.warn(
          { accountId: saved[index]?.id, ...metadata.webhooks },
          'the account is connected, but its webhooks will not come',
        );
    return saved;
  }
  await giveBack(deps, request, provider, { grants, exchange, userId: state.userId, time });
  return { code: 'invalid_link' };
}
