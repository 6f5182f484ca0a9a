import { randomInt } from 'node:crypto';
import { isForm, redirect, Refusal, type Call, type Reply, type Route } from '../core/http.ts';
import { token } from '../core/ids.ts';
import { isRegistered } from '../core/redirects.ts';
import { ALL_SCOPES, isDesktop } from './app.ts';
import { consentPage, errorPage } from './consent-page.ts';
import { creatorByName, type TikTok } from './context.ts';

interface Request {
  redirectUri: string;
  scopes: string[];
  state: string;
  challenge: string | null;
}

interface Choice {
  decision: 'approve' | 'deny';
  creator?: string | undefined;
  scopes?: string[] | undefined;
}

const PATH = '/v2/auth/authorize/';

export function authorizeRoutes(tiktok: TikTok): Route[] {
  function check(query: URLSearchParams): Request {
    const one = (name: string): string => {
      const [value, ...more] = query.getAll(name);
      return value === undefined || value === '' || more.length > 0 ? wrong(name) : value;
    };
    if (one('client_key') !== tiktok.app.clientKey) wrong('client_key');
    const redirectUri = one('redirect_uri');
    if (!isRegistered(tiktok.app.redirectUris, redirectUri)) wrong('redirect_uri');
    if (one('response_type') !== 'code') wrong('response_type');
    const scopes = one('scope').split(',');
    const approved = tiktok.app.scopes ?? ALL_SCOPES;
    if (scopes.some((scope) => !approved.includes(scope))) wrong('scope');
    const challenge = query.get('code_challenge');
    if (challenge === null && isDesktop(redirectUri)) wrong('code_challenge');
    // tiktok-facts 2.3: lowercase hex of the SHA-256, not base64url.
    if (challenge !== null && !/^[0-9a-f]{64}$/.test(challenge)) wrong('code_challenge');
    if (challenge !== null && query.get('code_challenge_method') !== 'S256') wrong('code_challenge_method');
    const automatic = query.get('disable_auto_auth');
    if (automatic !== null && !['0', '1'].includes(automatic)) wrong('disable_auto_auth');
    return {
      redirectUri,
      scopes: [...new Set(['user.info.basic', ...scopes])],
      state: one('state'),
      challenge,
    };
  }

  function answer(request: Request, choice: Choice): Reply {
    const target = new URL(request.redirectUri);
    if (choice.decision === 'deny') {
      target.searchParams.set('error', 'access_denied');
      target.searchParams.set('error_description', 'User denied the request');
      target.searchParams.set('state', request.state);
      return redirect(target);
    }
    const creator = creatorByName(tiktok, choice.creator);
    if (creator === undefined) throw new Refusal(errorPage(`creator ${choice.creator}`));
    const chosen = choice.scopes ?? request.scopes;
    const scopes = request.scopes.filter((scope) => scope === 'user.info.basic' || chosen.includes(scope));
    // Real codes end like this (tiktok-facts 2.2); the punctuation exposes clients that decode twice or not at all.
    const code = `${token('')}*${randomInt(3)}!${randomInt(4_000, 7_000)}.va`;
    tiktok.state.codes[code] = {
      openId: creator.openId,
      scopes,
      redirectUri: request.redirectUri,
      challenge: request.challenge,
      expiresAt: tiktok.core.clock.now() + tiktok.options.codeSeconds * 1_000,
    };
    tiktok.state.grants[creator.openId] = scopes;
    target.searchParams.set('code', code);
    target.searchParams.set('scopes', scopes.join(','));
    target.searchParams.set('state', request.state);
    return redirect(target);
  }

  /** tiktok-facts 2.1: without disable_auto_auth=1, a known browser is sent back at once with the same account. */
  function silently(query: URLSearchParams, request: Request): Choice | undefined {
    if (tiktok.options.autoApprove) return { decision: 'approve' };
    if (!tiktok.options.silentReauth || query.get('disable_auto_auth') === '1') return undefined;
    const creator = tiktok.state.creators.find(({ openId }) => {
      const granted = tiktok.state.grants[openId];
      return granted !== undefined && request.scopes.every((scope) => granted.includes(scope));
    });
    return creator && { decision: 'approve', creator: creator.username };
  }

  function show(call: Call): Reply {
    const request = check(call.url.searchParams);
    const choice = tiktok.core.consent.take('tiktok') ?? silently(call.url.searchParams, request);
    if (choice !== undefined) return answer(request, choice);
    const action = call.url.pathname + call.url.search;
    return consentPage(tiktok.app.clientKey, action, tiktok.state.creators, request.scopes);
  }

  function submit(call: Call): Reply {
    const request = check(call.url.searchParams);
    const form = new URLSearchParams(isForm(call.headers) ? call.text : '');
    const decision = form.get('decision') === 'approve' ? 'approve' : 'deny';
    return answer(request, {
      decision,
      creator: form.get('creator') ?? undefined,
      scopes: form.getAll('scope'),
    });
  }

  return [
    { method: 'GET', path: PATH, endpoint: 'authorize', handle: show },
    { method: 'POST', path: PATH, endpoint: 'authorize', handle: submit },
  ];
}

function wrong(parameter: string): never {
  throw new Refusal(errorPage(parameter));
}
