import type { Decision } from '../core/consent.ts';
import { redirect, Refusal, type Call, type Reply, type Route } from '../core/http.ts';
import { token } from '../core/ids.ts';
import { consentPage, dialogErrorPage, scopesOf, single, submitted } from '../meta/consent-page.ts';
import { isRegistered } from '../core/redirects.ts';
import { LOGIN_SCOPES } from './app.ts';
import { accountByName, type Instagram } from './context.ts';

interface Request {
  redirectUri: string;
  state: string | undefined;
  scopes: string[];
}

const BASIC = 'instagram_business_basic';

/** instagram-facts 3.2: www.instagram.com. The accounts themselves log in, without a Facebook page. */
export function loginRoutes(instagram: Instagram): Route[] {
  const { app, core, options, state } = instagram;

  function check({ url: { searchParams: query } }: Call): Request {
    // The Instagram app's id, not the Meta app's (instagram-facts 3.2).
    if (app.loginAppId === null || single(query, 'client_id') !== app.loginAppId) {
      wrong('Invalid platform app');
    }
    const redirectUri = single(query, 'redirect_uri');
    if (redirectUri === undefined || !isRegistered(app.redirectUris, redirectUri)) {
      return wrong('Invalid redirect_uri');
    }
    if (single(query, 'response_type') !== 'code') wrong('Invalid response_type');
    const scopes = scopesOf(query.get('scope'));
    const unknown = scopes.filter((scope) => !(app.loginScopes ?? LOGIN_SCOPES).includes(scope));
    if (unknown.length > 0) wrong(`Invalid scope: ${unknown.join(', ')}`);
    if (!scopes.includes(BASIC)) wrong(`Invalid scope: ${BASIC} is required`);
    return { redirectUri, state: single(query, 'state'), scopes };
  }

  function answer(request: Request, choice: Decision): Reply {
    const echoed: Record<string, string> = request.state === undefined ? {} : { state: request.state };
    if (choice.decision === 'deny') {
      const error_description = 'The user denied your request';
      return back(request, {
        error: 'access_denied',
        error_reason: 'user_denied',
        error_description,
        ...echoed,
      });
    }
    const account = accountByName(instagram, choice.creator);
    if (account === undefined) return wrong(`There is no account ${choice.creator}.`);
    const wanted = choice.scopes ?? request.scopes;
    const scopes = request.scopes.filter((scope) => scope === BASIC || wanted.includes(scope));
    state.grants[account.id] = { scopes, pages: null, at: core.clock.now() };
    const code = token('AQ');
    const expiresAt = core.clock.now() + options.codeSeconds * 1_000;
    state.codes[code] = { stack: 'login', holder: account.id, redirectUri: request.redirectUri, expiresAt };
    return back(request, { code, ...echoed });
  }

  function show(call: Call): Reply {
    const request = check(call);
    const choice = core.consent.take('instagram');
    if (choice !== undefined) return answer(request, choice);
    if (options.autoApprove) return answer(request, { decision: 'approve' });
    return consentPage(call, {
      site: 'Instagram',
      appId: app.loginAppId ?? '',
      people: state.accounts.map(({ username }) => username),
      scopes: request.scopes,
      fixed: [BASIC],
      pages: [],
    });
  }

  const submit = (call: Call): Reply => answer(check(call), submitted(call));
  const path = '/instagram-login/oauth/authorize';
  return [
    { method: 'GET', path, endpoint: 'instagram.authorize', handle: show },
    { method: 'POST', path, endpoint: 'instagram.authorize', handle: submit },
  ];
}

/** `#_` is not part of the code (instagram-facts 3.2). */
function back({ redirectUri }: Request, query: Record<string, string>): Reply {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  target.hash = '_';
  return redirect(target);
}

function wrong(message: string): never {
  throw new Refusal(dialogErrorPage(message));
}
