import { isForm, type Call } from '../core/http.ts';
import { parseCode, refuseGraph } from '../meta/errors.ts';
import { tokenOf } from '../meta/request.ts';
import type { Threads } from './context.ts';
import { denied, notVisible } from './problems.ts';
import type { Token } from './state.ts';

export interface Access {
  held: Token;
  scopes: string[];
  /** How much of the app's calls for this profile is used, as usage headers say it. */
  usedPercent: number;
}

const DAY_MS = 86_400_000;
const time = (ms: number): string => new Date(ms).toUTCString();

/** threads-facts 5: requires a valid token of an app that the profile has not removed. */
export function createAccess(threads: Threads) {
  const { core, options, state } = threads;
  const calls = new Map<string, number[]>();

  function check(call: Call, params: URLSearchParams): Access {
    const token = tokenOf(call, params);
    if (token === null) {
      const message = 'An active access token must be used to query information about the current user.';
      return refuseGraph({ code: 2_500, message });
    }
    const held = state.tokens[token];
    if (held === undefined) return refuseGraph({ code: 190, message: 'Failed to decode' });
    const problem = tokenProblem(threads, held);
    if (
      problem !== null &&
      options.expiredOnPublish === '24' &&
      call.url.pathname.endsWith('/threads_publish')
    ) {
      notVisible();
    }
    if (problem !== null) return refuseGraph({ code: 190, ...problem });
    const count = countCall(held);
    const usedPercent = options.usagePercent ?? Math.floor((100 * count) / options.callsPerDay);
    return { held, scopes: state.grants[held.userId]?.scopes ?? [], usedPercent };
  }

  /** threads-facts 9: 4,800 for each impression, of which there are at least ten. */
  function countCall({ userId }: Token): number {
    const now = core.clock.now();
    const recent = (calls.get(userId) ?? []).filter((at) => at > now - DAY_MS);
    if (recent.length >= options.callsPerDay) {
      const { code, subcode } = parseCode(options.throttleError);
      const message = `(#${code}) Application request limit reached`;
      refuseGraph({ code, subcode, message, status: 403 });
    }
    recent.push(now);
    calls.set(userId, recent);
    return recent.length;
  }

  return check;
}
export type CheckAccess = ReturnType<typeof createAccess>;

/** Why a token is invalid, or null. */
export function tokenProblem(
  { core, state }: Threads,
  { dead, expiresAt, userId }: Token,
): { subcode: number; message: string } | null {
  const now = core.clock.now();
  if (dead !== null) return { subcode: dead, message: 'The access token is invalid' };
  if (expiresAt <= now) {
    const message = `Error validating access token: Session has expired on ${time(expiresAt)}. The current time is ${time(now)}.`;
    return { subcode: 463, message };
  }
  const grant = state.grants[userId];
  if (grant === undefined || grant.expiresAt <= now) {
    return {
      subcode: 458,
      message: 'Error validating access token: The user has not authorized application.',
    };
  }
  return null;
}

export function requireScope({ scopes }: Access, ...needed: string[]): void {
  const missing = needed.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) denied(missing.join(', '));
}

/** Whose token a request has, as far as its query, its form or its header says. */
export function accountOf({ state }: Threads, call: Call): string | null {
  const form = new URLSearchParams(isForm(call.headers) ? call.text : '');
  const token = tokenOf(call, new URLSearchParams([...call.url.searchParams, ...form]));
  return token === null ? null : (state.tokens[token]?.userId ?? null);
}
