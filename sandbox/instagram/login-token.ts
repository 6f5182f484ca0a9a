import { isForm, json, type Call, type Reply, type Route } from '../core/http.ts';
import { stringify } from '../core/json.ts';
import { flatErrorBody, graphErrorBody, refuseFlat, refuseGraph } from '../meta/errors.ts';
import { tokenOf } from '../meta/request.ts';
import { accountOf, type Instagram } from './context.ts';
import { versioned } from './graph.ts';
import type { Token } from './people.ts';
import { forgetExpired, issue } from './tokens.ts';

/** instagram-facts 3.3 and 3.4: api.instagram.com for the code, graph.instagram.com for long-lived tokens and their refresh. */
export function loginTokenRoutes(instagram: Instagram): Route[] {
  const { app, core, options, state } = instagram;
  const now = () => core.clock.now();

  function exchangeCode(call: Call): Reply {
    if (!isForm(call.headers)) refuseFlat('Missing required field client_id');
    const form = new URLSearchParams(call.text);
    if (app.loginAppId === null || form.get('client_id') !== app.loginAppId)
      refuseFlat('Invalid platform app');
    if (form.get('client_secret') !== app.loginAppSecret) refuseFlat('Invalid Client Secret');
    if (form.get('grant_type') !== 'authorization_code') refuseFlat('Invalid grant type');
    const sent = form.get('code') ?? '';
    const code = state.codes[sent];
    if (code === undefined || code.stack !== 'login' || code.expiresAt <= now()) {
      return refuseFlat('Matching code was not found or was already used');
    }
    if (form.get('redirect_uri') !== code.redirectUri) {
      const same =
        'Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request';
      return refuseFlat(`Error validating verification code. ${same}`);
    }
    delete state.codes[sent];
    forgetExpired(instagram);
    const login = { kind: 'login', holder: code.holder, pageId: null, long: false } as const;
    const access_token = issue(instagram, 'IGAA', login, now() + options.shortTokenSeconds * 1_000);
    return json(200, stringify(tokenBody(access_token, code.holder)));
  }

  /**
   * Documented as wrapped, with permissions as text; seen flat, with a list; the id is a number or a string
   * (instagram-facts 3.3).
   */
  function tokenBody(access_token: string, holder: string): object {
    const account = accountOf(instagram, holder);
    const id = options.loginUserId === 'scoped' ? account.scopedId : account.id;
    const user_id = options.loginUserIdType === 'number' ? BigInt(id) : id;
    const permissions = state.grants[holder]?.scopes ?? [];
    if (options.loginTokenShape === 'flat') return { access_token, user_id, permissions };
    return { data: [{ access_token, user_id, permissions: permissions.join(',') }] };
  }

  function good(call: Call): Token {
    const held = state.tokens[tokenOf(call, call.url.searchParams) ?? ''];
    if (held === undefined || held.kind !== 'login' || held.dead !== null) return unsupported();
    if (state.grants[held.holder] === undefined) return unsupported();
    return held.expiresAt !== null && held.expiresAt <= now() ? unsupported() : held;
  }

  function longReply(held: Token, more: object): Reply {
    const seconds = options.longTokenSeconds;
    const login = { kind: 'login', holder: held.holder, pageId: null, long: true } as const;
    const access_token = issue(instagram, 'IGAA', login, now() + seconds * 1_000);
    return json(200, JSON.stringify({ access_token, token_type: 'bearer', expires_in: seconds, ...more }));
  }

  function exchangeShort(call: Call): Reply {
    const query = call.url.searchParams;
    if (query.get('grant_type') !== 'ig_exchange_token') unsupported();
    if (query.get('client_secret') !== app.loginAppSecret) unsupported();
    const held = good(call);
    return held.long ? unsupported() : longReply(held, {});
  }

  /** At least 24 hours old, not expired, basic permission still there (instagram-facts 3.4). */
  function refresh(call: Call): Reply {
    if (call.url.searchParams.get('grant_type') !== 'ig_refresh_token') unsupported();
    const held = good(call);
    const scopes = state.grants[held.holder]?.scopes ?? [];
    const young = now() < held.issuedAt + options.refreshAfterSeconds * 1_000;
    if (!held.long || young || !scopes.includes('instagram_business_basic')) unsupported();
    const reply = longReply(held, { permissions: scopes.join(',') });
    if (!options.refreshKeepsOld) held.dead = 467;
    return reply;
  }

  const codePath = '/instagram-api/oauth/access_token';
  const errorBody = graphErrorBody;
  const get = (path: string, endpoint: string, handle: (call: Call) => Reply): Route[] =>
    versioned(`/graph-instagram${path}`).map((full) => ({
      method: 'GET',
      path: full,
      endpoint,
      errorBody,
      handle,
    }));
  return [
    {
      method: 'POST',
      path: codePath,
      endpoint: 'instagram.login_token',
      errorBody: flatErrorBody,
      handle: exchangeCode,
    },
    { method: 'GET', path: codePath, endpoint: 'instagram.login_token', errorBody, handle: unsupported },
    ...get('/access_token', 'instagram.login_exchange', exchangeShort),
    ...get('/refresh_access_token', 'instagram.login_refresh', refresh),
  ];
}

/** The answer to a wrong verb, and to a bad, expired or foreign token (instagram-facts 3.3, 3.4 and 9.11). */
function unsupported(): never {
  const message = 'Unsupported request - method type: get';
  return refuseGraph({ code: 100, message, type: 'IGApiException' });
}
