import { isForm, json, type Call, type Reply, type Route } from '../core/http.ts';
import { token } from '../core/ids.ts';
import { stringify } from '../core/json.ts';
import { flatErrorBody, graphErrorBody, refuseFlat, refuseGraph } from '../meta/errors.ts';
import { tokenOf } from '../meta/request.ts';
import { tokenProblem } from './access.ts';
import { BASIC } from './app.ts';
import { profileOf, type Threads } from './context.ts';
import { versioned } from './graph.ts';
import { configuredError } from './problems.ts';
import type { Token } from './state.ts';

const KEPT_MS = 30 * 86_400_000;

/** threads-facts 2.4 to 2.7. */
export function tokenRoutes(threads: Threads): Route[] {
  const { app, core, options, state } = threads;
  const now = () => core.clock.now();

  function issue(userId: string, long: boolean, seconds: number): string {
    forgetExpired();
    const text = token(long ? 'THQWL' : 'THQVJ');
    state.tokens[text] = { userId, long, issuedAt: now(), expiresAt: now() + seconds * 1_000, dead: null };
    return text;
  }

  /** Single use, and exactly the redirect URI of the dialog. The error is flat (threads-facts 2.4). */
  function exchangeCode(form: URLSearchParams): Reply {
    if (form.get('client_id') !== app.appId) refuseFlat('Invalid platform app');
    if (form.get('client_secret') !== app.appSecret) refuseFlat('Invalid Client Secret');
    if (form.get('grant_type') !== 'authorization_code') refuseFlat('Invalid grant type');
    const sent = form.get('code') ?? '';
    const code = state.codes[sent];
    const matches =
      code !== undefined && code.expiresAt > now() && form.get('redirect_uri') === code.redirectUri;
    if (!matches) return refuseFlat('Matching code was not found or was already used');
    delete state.codes[sent];
    const access_token = issue(code.userId, false, options.shortTokenSeconds);
    // A bare number above 2^53 (threads-facts 11.1).
    const user_id = options.userIdType === 'number' ? BigInt(code.userId) : code.userId;
    return json(200, stringify({ access_token, user_id }));
  }

  function post(call: Call): Reply {
    const form = isForm(call.headers) ? new URLSearchParams(call.text) : call.url.searchParams;
    return exchangeCode(form);
  }

  function get({ url: { searchParams: query } }: Call): Reply {
    if (query.get('grant_type') === 'client_credentials') return appToken(query);
    if (!options.codeByGet) refuseFlat('Unsupported request - method type: get');
    return exchangeCode(query);
  }

  function appToken(query: URLSearchParams): Reply {
    if (query.get('client_id') !== app.appId || query.get('client_secret') !== app.appSecret) {
      refuseGraph({ code: 101, message: 'Error validating application.' });
    }
    return json(200, JSON.stringify({ access_token: `TH|${app.appId}|sandbox`, token_type: 'bearer' }));
  }

  function good(call: Call): Token {
    const held = state.tokens[tokenOf(call, call.url.searchParams) ?? ''];
    if (held === undefined) return refuseGraph({ code: 190, message: 'Failed to decode' });
    const problem = tokenProblem(threads, held);
    return problem === null ? held : refuseGraph({ code: 190, ...problem });
  }

  function longReply({ userId }: Token): Reply {
    const expires_in = options.longTokenSeconds;
    const access_token = issue(userId, true, expires_in);
    return json(200, JSON.stringify({ access_token, token_type: 'bearer', expires_in }));
  }

  function exchangeShort(call: Call): Reply {
    const { searchParams: query } = call.url;
    if (query.get('grant_type') !== 'th_exchange_token')
      refuseGraph({ code: 100, message: 'Invalid grant type' });
    if (query.get('client_secret') !== app.appSecret) {
      refuseGraph({ code: 1, message: 'Error validating client secret.' });
    }
    const held = good(call);
    return held.long ? refuseGraph({ code: 190, message: 'The access token is invalid' }) : longReply(held);
  }

  /** At least 24 hours old, not expired, threads_basic still granted; extends the grant too (threads-facts 2.6). */
  function refresh(call: Call): Reply {
    if (call.url.searchParams.get('grant_type') !== 'th_refresh_token') {
      refuseGraph({ code: 100, message: 'Invalid grant type' });
    }
    const held = good(call);
    if (!held.long) refuseGraph({ code: 190, message: 'The access token is invalid' });
    if (now() < held.issuedAt + options.refreshAfterSeconds * 1_000) {
      configuredError(options.earlyRefreshError, 'The access token can not be refreshed yet');
    }
    const grant = state.grants[held.userId];
    const fixed = profileOf(threads, held.userId).private && !options.privateGrantExtends;
    if (grant === undefined || fixed || !grant.scopes.includes(BASIC)) {
      return refuseGraph({ code: 190, message: 'The access token is invalid' });
    }
    grant.expiresAt = now() + options.grantSeconds * 1_000;
    const reply = longReply(held);
    if (!options.refreshKeepsOld) held.dead = 467;
    return reply;
  }

  function forgetExpired(): void {
    for (const [code, { expiresAt }] of Object.entries(state.codes)) {
      if (expiresAt <= now()) delete state.codes[code];
    }
    for (const [text, { expiresAt }] of Object.entries(state.tokens)) {
      if (expiresAt + KEPT_MS <= now()) delete state.tokens[text];
    }
  }

  return [
    ...on('POST', '/oauth/access_token', 'threads.token', post),
    ...on('GET', '/oauth/access_token', 'threads.token', get),
    ...on('GET', '/access_token', 'threads.exchange', exchangeShort),
    ...on('GET', '/refresh_access_token', 'threads.refresh', refresh),
  ];
}

function on(method: string, path: string, endpoint: string, handle: (call: Call) => Reply): Route[] {
  const errorBody = endpoint === 'threads.token' ? flatErrorBody : graphErrorBody;
  return versioned(path).map((full) => ({ method, path: full, endpoint, errorBody, handle }));
}
