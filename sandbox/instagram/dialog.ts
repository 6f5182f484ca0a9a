import type { Decision } from '../core/consent.ts';
import { redirect, Refusal, type Call, type Reply, type Route } from '../core/http.ts';
import { token } from '../core/ids.ts';
import { consentPage, dialogErrorPage, scopesOf, single, submitted } from '../meta/consent-page.ts';
import { isRegistered } from '../core/redirects.ts';
import { FACEBOOK_SCOPES } from './app.ts';
import { userByName, type Instagram } from './context.ts';
import type { FacebookUser } from './people.ts';

interface Request {
  redirectUri: string;
  state: string;
  scopes: string[];
  /** Whether the callback lists the granted scopes. */
  tell: boolean;
  rerequest: boolean;
  allOrNone: boolean;
}

/**
 * instagram-facts 2.1 and 2.2: www.facebook.com. Errors of the request are shown there and never sent to the redirect
 * URI.
 */
export function dialogRoutes(instagram: Instagram): Route[] {
  const { app, core, options, state } = instagram;

  function check({ url: { searchParams: query } }: Call): Request {
    if (single(query, 'client_id') !== app.appId)
      wrong('Invalid App ID: The provided app ID does not look like a valid app ID.');
    const redirectUri = single(query, 'redirect_uri');
    if (redirectUri === undefined || !isRegistered(app.redirectUris, redirectUri)) {
      return wrong(
        'URL Blocked: This redirect failed because the redirect URI is not whitelisted in the app’s Client OAuth Settings.',
      );
    }
    const kinds = scopesOf(query.get('response_type') ?? 'code');
    if (!kinds.includes('code') || kinds.some((kind) => !['code', 'granted_scopes'].includes(kind))) {
      wrong('The parameter response_type must be code, or code and granted_scopes.');
    }
    const asked = query.has('config_id') ? options.configScopes : scopesOf(query.get('scope'));
    const unknown = asked.filter((scope) => !(app.scopes ?? FACEBOOK_SCOPES).includes(scope));
    if (unknown.length > 0) wrong(`Invalid Scopes: ${unknown.join(', ')}.`);
    return {
      redirectUri,
      state: single(query, 'state') ?? wrong('The parameter state is required.'),
      scopes: [...new Set(['public_profile', ...asked])],
      tell: kinds.includes('granted_scopes'),
      rerequest: query.get('auth_type') === 'rerequest',
      allOrNone: options.allOrNone || query.has('config_id'),
    };
  }

  function answer(request: Request, choice: Decision): Reply {
    if (choice.decision === 'deny') return deny(request);
    const user = userByName(instagram, choice.creator);
    if (user === undefined) return wrong(`There is no user ${choice.creator}.`);
    // Without auth_type=rerequest the dialog silently skips scopes that were declined before (instagram-facts 2.1).
    const shown = request.scopes.filter((scope) => request.rerequest || !user.declined.includes(scope));
    const chosen = shown.filter(
      (scope) => scope === 'public_profile' || (choice.scopes ?? shown).includes(scope),
    );
    if (request.allOrNone && chosen.length < request.scopes.length) return deny(request);
    const declined = request.scopes.filter((scope) => !chosen.includes(scope));
    const pages = choice.pages === undefined ? null : pagesByName(user, choice.pages);
    const scopes = [...new Set([...(state.grants[user.id]?.scopes ?? []), ...chosen])];
    user.declined = [...new Set([...user.declined, ...declined])].filter((scope) => !chosen.includes(scope));
    state.grants[user.id] = {
      scopes: scopes.filter((scope) => !declined.includes(scope)),
      pages,
      at: core.clock.now(),
    };
    const code = token('AQ');
    state.codes[code] = {
      stack: 'facebook',
      holder: user.id,
      redirectUri: request.redirectUri,
      expiresAt: core.clock.now() + options.codeSeconds * 1_000,
    };
    const told = { granted_scopes: chosen.join(','), denied_scopes: declined.join(',') };
    return back(request, { code, state: request.state, ...(request.tell ? told : {}) });
  }

  function pagesByName(user: FacebookUser, names: string[]): string[] {
    const own = state.pages.filter(({ admins }) => admins.some(({ userId }) => userId === user.id));
    return own.filter(({ name }) => names.includes(name)).map(({ id }) => id);
  }

  function show(call: Call): Reply {
    const request = check(call);
    const choice = core.consent.take('instagram');
    if (choice !== undefined) return answer(request, choice);
    if (options.autoApprove) return answer(request, { decision: 'approve' });
    return consentPage(call, {
      site: 'Facebook',
      appId: app.appId,
      people: state.users.map(({ name }) => name),
      scopes: request.scopes,
      fixed: request.allOrNone ? request.scopes : ['public_profile'],
      pages: state.pages.map(({ name }) => name),
    });
  }

  function submit(call: Call): Reply {
    const request = check(call);
    const decision = submitted(call);
    return answer(request, request.allOrNone ? { ...decision, scopes: request.scopes } : decision);
  }

  const paths = ['/facebook/{version}/dialog/oauth', '/facebook/dialog/oauth'];
  return paths.flatMap((path) => [
    { method: 'GET', path, endpoint: 'instagram.dialog', handle: show },
    { method: 'POST', path, endpoint: 'instagram.dialog', handle: submit },
  ]);
}

/** The fragment is not part of the last value (instagram-facts 2.2). */
function back({ redirectUri }: Request, query: Record<string, string>): Reply {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  target.hash = '_=_';
  return redirect(target);
}

function deny(request: Request): Reply {
  return back(request, {
    error_reason: 'user_denied',
    error: 'access_denied',
    error_description: 'Permissions error.',
    state: request.state,
  });
}

function wrong(message: string): never {
  throw new Refusal(dialogErrorPage(message));
}
