import { json, type Call, type Reply, type Route } from '../core/http.ts';
import { graphErrorBody, refuseGraph } from '../meta/errors.ts';
import type { Instagram } from './context.ts';
import { versioned } from './graph.ts';
import type { Token } from './people.ts';
import { forgetExpired, issue } from './tokens.ts';

/** instagram-facts 2.3: GET /oauth/access_token at graph.facebook.com. */
export function tokenRoutes(instagram: Instagram): Route[] {
  const { app, core, options, state } = instagram;
  const now = () => core.clock.now();

  function requireApp(query: URLSearchParams): void {
    if (query.get('client_id') !== app.appId) {
      refuseGraph({ code: 101, message: 'Error validating application. Invalid application ID.' });
    }
    if (query.get('client_secret') !== app.appSecret) {
      refuseGraph({ code: 1, message: 'Error validating client secret.' });
    }
  }

  function invalidCode(): never {
    const message =
      'Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request';
    const subcode = options.codeErrorSubcode ?? undefined;
    const headers = { 'www-authenticate': `OAuth "Facebook Platform" "invalid_code" "${message}"` };
    return refuseGraph({ code: 100, subcode, message, headers });
  }

  /**
   * Single use; exactly the redirect URI of the dialog (instagram-facts 2.1). A wrong attempt does not use up the code.
   */
  function exchangeCode(query: URLSearchParams): Reply {
    requireApp(query);
    const sent = query.get('code') ?? '';
    const code = state.codes[sent];
    if (code === undefined || code.stack !== 'facebook' || code.expiresAt <= now()) return invalidCode();
    if (query.get('redirect_uri') !== code.redirectUri) return invalidCode();
    delete state.codes[sent];
    forgetExpired(instagram);
    const seconds = options.shortTokenSeconds;
    const user = { kind: 'user', holder: code.holder, pageId: null, long: false } as const;
    return tokenReply(issue(instagram, 'EAA', user, now() + seconds * 1_000), seconds);
  }

  /** An expired token can not be exchanged. Whether a long one is extended is UNCONFIRMED (instagram-facts 2.3). */
  function exchangeToken(query: URLSearchParams): Reply {
    requireApp(query);
    const held = state.tokens[query.get('fb_exchange_token') ?? ''];
    if (held === undefined || held.kind !== 'user') {
      return refuseGraph({ code: 190, message: 'Invalid OAuth access token - Cannot parse access token' });
    }
    refuseDead(held);
    const whole = now() + options.longTokenSeconds * 1_000;
    const keepsEnd = held.long && options.reexchange === 'same-end';
    const expiresAt = keepsEnd ? (held.expiresAt ?? whole) : whole;
    const user = { kind: 'user', holder: held.holder, pageId: null, long: true } as const;
    return tokenReply(issue(instagram, 'EAA', user, expiresAt), Math.round((expiresAt - now()) / 1_000));
  }

  function refuseDead({ dead, expiresAt, holder }: Token): void {
    const expired = expiresAt !== null && expiresAt <= now() ? 463 : null;
    const subcode = dead ?? expired ?? (state.grants[holder] === undefined ? 458 : null);
    if (subcode === null) return;
    refuseGraph({ code: 190, subcode, message: 'Error validating access token: Session has expired.' });
  }

  function appToken(query: URLSearchParams): Reply {
    requireApp(query);
    const body = { access_token: `${app.appId}|${app.appSecret}`, token_type: 'bearer' };
    return json(200, JSON.stringify(body));
  }

  function tokenReply(access_token: string, expires_in: number): Reply {
    const expires = options.omitExpiresIn ? {} : { expires_in };
    return json(200, JSON.stringify({ access_token, token_type: 'bearer', ...expires }));
  }

  function grant({ url: { searchParams } }: Call): Reply {
    switch (searchParams.get('grant_type')) {
      case null:
      case 'authorization_code':
        return exchangeCode(searchParams);
      case 'fb_exchange_token':
        return exchangeToken(searchParams);
      case 'client_credentials':
        return appToken(searchParams);
      default:
        return refuseGraph({ code: 1, message: 'Invalid grant_type' });
    }
  }

  return versioned('/graph/oauth/access_token').map((path) => ({
    method: 'GET',
    path,
    endpoint: 'instagram.token',
    variant,
    errorBody: graphErrorBody,
    handle: grant,
  }));
}

function variant({ url }: Call): string {
  return url.searchParams.get('grant_type') ?? 'authorization_code';
}
