import type { Decision } from '../core/consent.ts';
import { json, redirect, Refusal, type Call, type Reply, type Route } from '../core/http.ts';
import { token } from '../core/ids.ts';
import { consentPage, scopesOf, single, submitted } from '../meta/consent-page.ts';
import { isRegistered } from '../core/redirects.ts';
import { ALL_SCOPES, BASIC } from './app.ts';
import { profileByName, type Threads } from './context.ts';

interface Request {
  redirectUri: string;
  state: string | undefined;
  scopes: string[];
}

const PATH = '/threads-auth/oauth/authorize';

/** threads-facts 2.1 to 2.3: threads.net. Errors are shown as JSON and never sent to the redirect URI. */
export function authorizeRoutes(threads: Threads): Route[] {
  const { app, core, options, state } = threads;

  function check({ url: { searchParams: query } }: Call): Request {
    if (single(query, 'client_id') !== app.appId) {
      wrong(1_349_026, 'No application data was given. Please check the app id.');
    }
    const redirectUri = single(query, 'redirect_uri') ?? '';
    if (!isRegistered(app.redirectUris, redirectUri)) {
      const insecure = redirectUri.startsWith('http://');
      wrong(insecure ? 1_349_187 : 1_349_168, insecure ? 'Insecure redirect URI' : 'Blocked redirect URI');
    }
    if (single(query, 'response_type') !== 'code') wrong(1, 'Invalid response_type');
    const scopes = scopesOf(query.get('scope'));
    const unknown = scopes.filter((scope) => !(app.scopes ?? ALL_SCOPES).includes(scope));
    if (unknown.length > 0) wrong(1, `Invalid scope: ${unknown.join(', ')}`);
    if (!scopes.includes(BASIC)) wrong(1, `Invalid scope: ${BASIC} is mandatory`);
    return { redirectUri, state: single(query, 'state'), scopes };
  }

  function answer(request: Request, choice: Decision): Reply {
    const echoed: Record<string, string> = request.state === undefined ? {} : { state: request.state };
    if (choice.decision === 'deny') {
      const error_description = 'The user denied your request';
      const error = { error: 'access_denied', error_reason: 'user_denied', error_description };
      return back(request, { ...error, ...echoed });
    }
    const profile = profileByName(threads, choice.creator);
    if (profile === undefined) return wrong(1, `There is no profile ${choice.creator}.`);
    const wanted = choice.scopes ?? request.scopes;
    const scopes = request.scopes.filter((scope) => scope === BASIC || wanted.includes(scope));
    const now = core.clock.now();
    state.grants[profile.id] = { scopes, expiresAt: now + options.grantSeconds * 1_000 };
    const code = token('AQB');
    const expiresAt = now + options.codeSeconds * 1_000;
    state.codes[code] = { userId: profile.id, redirectUri: request.redirectUri, expiresAt };
    return back(request, { code, ...echoed });
  }

  function show(call: Call): Reply {
    const request = check(call);
    const choice = core.consent.take('threads');
    if (choice !== undefined) return answer(request, choice);
    if (options.autoApprove) return answer(request, { decision: 'approve' });
    return consentPage(call, {
      site: 'Threads',
      appId: app.appId,
      people: state.profiles.map(({ username }) => username),
      scopes: request.scopes,
      fixed: [BASIC],
      pages: [],
    });
  }

  const submit = (call: Call): Reply => answer(check(call), submitted(call));
  return [
    { method: 'GET', path: PATH, endpoint: 'threads.authorize', handle: show },
    { method: 'POST', path: PATH, endpoint: 'threads.authorize', handle: submit },
  ];
}

/** `#_` is not part of the last value (threads-facts 2.3). */
function back({ redirectUri }: Request, query: Record<string, string>): Reply {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  target.hash = '_';
  return redirect(target);
}

function wrong(error_code: number, error_message: string): never {
  throw new Refusal(json(400, JSON.stringify({ error_message, error_code })));
}
