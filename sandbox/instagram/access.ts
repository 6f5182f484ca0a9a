import { isForm, type Call } from '../core/http.ts';
import { refuseGraph } from '../meta/errors.ts';
import { headerToken, proofOf, tokenOf } from '../meta/request.ts';
import { accountOf, grantedPages, type Instagram } from './context.ts';
import type { Account, FacebookPage, Token } from './people.ts';
import { requireUsageBelow100 } from './usage.ts';

/** Facebook Login at graph.facebook.com, or Instagram Login at graph.instagram.com. */
export type Stack = 'facebook' | 'login';

export interface Access {
  token: string;
  held: Token;
  scopes: string[];
}

const DAY_MS = 86_400_000;
const time = (ms: number): string => new Date(ms).toUTCString();

/** instagram-facts 2.7 and 5.3: requires a valid token of an app that the user has not removed. */
export function createAccess(instagram: Instagram) {
  const { app, core, options, state } = instagram;
  const calls = new Map<string, number[]>();

  function check(call: Call, params: URLSearchParams, stack: Stack): Access {
    return checkToken(call, tokenOf(call, params), stack);
  }

  function checkToken(call: Call, token: string | null, stack: Stack): Access {
    if (token === null) {
      const message = 'An active access token must be used to query information about the current user.';
      return refuseGraph({ code: 2_500, message });
    }
    const held = state.tokens[token];
    // A token of the other stack is not valid here (instagram-facts 1.3).
    if (held === undefined || (held.kind === 'login') !== (stack === 'login')) {
      return refuseGraph({ code: 190, message: 'Invalid OAuth access token - Cannot parse access token' });
    }
    checkProof(call, token, stack);
    const scopes = checkAlive(held);
    requireUsageBelow100(instagram, held);
    countCall(held);
    return { token, held, scopes };
  }

  function checkAlive(held: Token): string[] {
    const now = core.clock.now();
    if (held.dead !== null) {
      const message = 'Error validating access token: The session has been invalidated.';
      refuseGraph({ code: 190, subcode: held.dead, message });
    }
    if (held.expiresAt !== null && held.expiresAt <= now) {
      const message = `Error validating access token: Session has expired on ${time(held.expiresAt)}. The current time is ${time(now)}.`;
      refuseGraph({ code: 190, subcode: 463, message });
    }
    const grant = state.grants[held.holder];
    if (grant === undefined) {
      const message = 'Error validating access token: The user has not authorized application.';
      return refuseGraph({ code: 190, subcode: 458, message });
    }
    return grant.scopes;
  }

  /** Whether graph.instagram.com wants one is UNCONFIRMED (instagram-facts 2.7): it is checked when it is sent. */
  function checkProof(call: Call, token: string, stack: Stack): void {
    const secret = stack === 'login' ? (app.loginAppSecret ?? app.appSecret) : app.appSecret;
    const proof = proofOf(call, token, secret);
    if (proof === 'wrong') {
      const message = 'Invalid appsecret_proof provided in the API argument';
      refuseGraph({ code: 100, message, type: 'GraphMethodException' });
    }
    if (proof === 'missing' && options.requireAppSecretProof && stack === 'facebook') {
      const message = 'API calls from the server require an appsecret_proof argument';
      refuseGraph({ code: 100, message, type: 'GraphMethodException' });
    }
  }

  /** instagram-facts 6: calls of an app and its user in the last 24 hours. */
  function countCall({ holder }: Token): void {
    const now = core.clock.now();
    const recent = (calls.get(holder) ?? []).filter((at) => at > now - DAY_MS);
    if (recent.length >= options.callsPerDay) {
      const message = '(#80002) There have been too many calls to this Instagram account.';
      refuseGraph({ code: 80_002, message, status: options.throttleStatus });
    }
    recent.push(now);
    calls.set(holder, recent);
  }

  /** Percent of the calls of a day that are used up. */
  function usage({ held }: Access): number {
    return Math.floor(((calls.get(held.holder)?.length ?? 0) * 100) / Math.max(options.callsPerDay, 1));
  }

  function uploader(call: Call): Access {
    return checkToken(call, headerToken(call, 'OAuth'), 'facebook');
  }

  return { check, uploader, usage };
}
export type CheckAccess = ReturnType<typeof createAccess>;

export function requireScope({ scopes, held }: Access, facebook: string[], login: string): void {
  const missing = (held.kind === 'login' ? [login] : facebook).filter((scope) => !scopes.includes(scope));
  if (missing.length === 0) return;
  const message = `(#10) Application does not have permission for this action: ${missing.join(', ')}`;
  refuseGraph({ code: 10, message });
}

/** The pages that a token gives access to. */
export function pagesOf(instagram: Instagram, { held }: Access): FacebookPage[] {
  const pages = grantedPages(instagram, held.holder);
  return held.kind === 'page' ? pages.filter(({ id }) => id === held.pageId) : pages;
}

/** Whose token a request has: the account of the login or of the page, or the only one of the person. */
export function tokenAccount(instagram: Instagram, call: Call): string | null {
  const form = new URLSearchParams(isForm(call.headers) ? call.text : '');
  const params = new URLSearchParams([...call.url.searchParams, ...form]);
  const held = instagram.state.tokens[tokenOf(call, params) ?? headerToken(call, 'OAuth') ?? ''];
  if (held === undefined) return null;
  if (held.kind === 'login') return held.holder;
  const pages = grantedPages(instagram, held.holder).filter(
    ({ id }) => held.kind !== 'page' || id === held.pageId,
  );
  const [account, ...others] = pages.flatMap(({ instagramId }) => instagramId ?? []);
  return others.length === 0 ? (account ?? null) : null;
}

/** An account by its id in a path, or `me` with Instagram Login. */
export function accountFor(instagram: Instagram, access: Access, id: string): Account {
  if (access.held.kind === 'login') {
    if (id !== 'me' && id !== access.held.holder) return notFound(id);
    return accountOf(instagram, access.held.holder);
  }
  const linked = pagesOf(instagram, access).some(({ instagramId }) => instagramId === id);
  return linked ? accountOf(instagram, id) : notFound(id);
}

/** instagram-facts 2.4: who publishes needs MANAGE or CREATE_CONTENT on the page. */
export function requireTask(instagram: Instagram, access: Access, account: Account, tasks: string[]): void {
  if (access.held.kind === 'login') return;
  const pages = pagesOf(instagram, access).filter(({ instagramId }) => instagramId === account.id);
  const mine = pages.flatMap(({ admins }) => admins.filter(({ userId }) => userId === access.held.holder));
  if (mine.some((admin) => tasks.some((task) => admin.tasks.includes(task)))) return;
  refuseGraph({
    code: 10,
    message: '(#10) The user must have the task CREATE_CONTENT or MANAGE on the page',
  });
}

/** Not there, not yours or not possible: one answer for all (instagram-facts 5.2). */
export function notFound(id: string): never {
  const message = `Unsupported request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`;
  return refuseGraph({ code: 100, subcode: 33, message, type: 'GraphMethodException' });
}
