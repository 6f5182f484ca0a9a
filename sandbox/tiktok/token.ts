import { createHash } from 'node:crypto';
import { isForm, json, type Call, type Reply, type Route } from '../core/http.ts';
import { token } from '../core/ids.ts';
import type { TikTok } from './context.ts';
import { flatErrorBody, refuseFlat } from './envelope.ts';
import { removeApp } from './grants.ts';
import type { RefreshToken } from './state.ts';

interface Grant {
  openId: string;
  scopes: string[];
  refreshExpiresAt: number;
}

export function tokenRoutes(tiktok: TikTok): Route[] {
  const { state, options } = tiktok;
  const now = () => tiktok.core.clock.now();
  const malformed = (): never =>
    refuseFlat(tiktok, 'invalid_request', 'The request parameters are malformed.');

  function formOf(call: Call): URLSearchParams {
    if (!isForm(call.headers)) malformed();
    const form = new URLSearchParams(call.text);
    if (new Set(form.keys()).size !== form.size) malformed();
    if (!form.get('client_key') || !form.get('client_secret')) malformed();
    const { clientKey, clientSecret } = tiktok.app;
    if (form.get('client_key') !== clientKey || form.get('client_secret') !== clientSecret) {
      refuseFlat(tiktok, 'invalid_client', 'Client info is illegal or malformed.');
    }
    return form;
  }

  function exchange(form: URLSearchParams): Reply {
    const sent = form.get('code') || malformed();
    const redirectUri = form.get('redirect_uri') || malformed();
    const code = state.codes[sent];
    if (code === undefined || code.expiresAt <= now()) {
      return refuseFlat(tiktok, 'invalid_grant', 'Authorization code is expired.');
    }
    if (redirectUri !== code.redirectUri) {
      const text = 'Redirect_uri is not matched with the uri when requesting code.';
      refuseFlat(tiktok, 'invalid_request', text);
    }
    if (code.challenge !== null && !proves(form.get('code_verifier'), code.challenge)) {
      refuseFlat(tiktok, 'invalid_request', 'Code verifier or code challenge is invalid.');
    }
    delete state.codes[sent];
    const refreshExpiresAt = now() + options.refreshTokenSeconds * 1_000;
    return issue({ openId: code.openId, scopes: code.scopes, refreshExpiresAt }, null);
  }

  function refresh(form: URLSearchParams): Reply {
    const sent = form.get('refresh_token') || malformed();
    const known = state.refreshTokens[sent];
    const end = known && Math.min(known.expiresAt, known.graceUntil ?? Infinity);
    if (known === undefined || end === undefined || end <= now()) {
      return refuseFlat(tiktok, 'invalid_grant', 'Refresh token is invalid or expired.');
    }
    if (options.refreshKillsAccessToken) delete state.accessTokens[known.accessToken];
    const refreshExpiresAt = options.refreshRenewsLifetime
      ? now() + options.refreshTokenSeconds * 1_000
      : known.expiresAt;
    // A refresh never adds scopes that were granted later (tiktok-facts 2.5).
    const granted = { openId: known.openId, scopes: known.scopes, refreshExpiresAt };
    if (!options.rotateRefreshToken) return issue(granted, sent);
    const graceUntil = now() + options.refreshGraceSeconds * 1_000;
    known.graceUntil = Math.min(known.graceUntil ?? Infinity, graceUntil);
    return issue(granted, null);
  }

  function issue(granted: Grant, sameRefreshToken: string | null): Reply {
    forgetExpired();
    const accessToken = token('act.');
    const refreshToken = sameRefreshToken ?? token('rft.');
    const { openId, scopes, refreshExpiresAt } = granted;
    state.accessTokens[accessToken] = {
      openId,
      scopes,
      expiresAt: now() + options.accessTokenSeconds * 1_000,
    };
    const kept: RefreshToken = { openId, scopes, expiresAt: refreshExpiresAt, accessToken, graceUntil: null };
    state.refreshTokens[refreshToken] = kept;
    const body = {
      access_token: accessToken,
      expires_in: options.accessTokenSeconds,
      open_id: openId,
      refresh_expires_in: Math.round((refreshExpiresAt - now()) / 1_000),
      ...(options.omitRefreshToken && sameRefreshToken !== null ? {} : { refresh_token: refreshToken }),
      scope: scopes.join(','),
      token_type: 'Bearer',
    };
    return json(200, JSON.stringify(body), { 'cache-control': 'no-store' });
  }

  function forgetExpired(): void {
    for (const [key, { expiresAt }] of Object.entries(state.codes)) {
      if (expiresAt <= now()) delete state.codes[key];
    }
    for (const [key, { expiresAt }] of Object.entries(state.accessTokens)) {
      if (expiresAt <= now()) delete state.accessTokens[key];
    }
    for (const [key, { expiresAt, graceUntil }] of Object.entries(state.refreshTokens)) {
      if (Math.min(expiresAt, graceUntil ?? Infinity) <= now()) delete state.refreshTokens[key];
    }
  }

  function grant(call: Call): Reply {
    const form = formOf(call);
    switch (form.get('grant_type')) {
      case 'authorization_code':
        return exchange(form);
      case 'refresh_token':
        return refresh(form);
      case null:
        return malformed();
      default:
        return refuseFlat(tiktok, 'unsupported_grant_type', 'The grant type is not supported.');
    }
  }

  function revoke(call: Call): Reply {
    const sent = formOf(call).get('token') || malformed();
    const access = state.accessTokens[sent];
    if (access === undefined || access.expiresAt <= now()) {
      return refuseFlat(tiktok, 'invalid_grant', 'The access token is invalid or expired.');
    }
    removeApp(tiktok, access.openId, 5);
    return json(200, '{}');
  }

  const errorBody = flatErrorBody(tiktok);
  return [
    { method: 'POST', path: '/v2/oauth/token/', endpoint: 'oauth.token', variant, errorBody, handle: grant },
    { method: 'POST', path: '/v2/oauth/revoke/', endpoint: 'oauth.revoke', errorBody, handle: revoke },
  ];
}

function proves(verifier: string | null, challenge: string): boolean {
  if (verifier === null || !/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)) return false;
  return createHash('sha256').update(verifier).digest('hex') === challenge;
}

function variant(call: Call): string | null {
  return new URLSearchParams(call.text).get('grant_type');
}
