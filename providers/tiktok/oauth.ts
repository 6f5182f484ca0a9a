import { createHash } from 'node:crypto';
import { ProviderError } from '../errors.ts';
import type { HttpAnswer } from '../http.ts';
import { consentSources } from '../consent.ts';
import { amount, id, record, text, tryParse, word } from '../json.ts';
import type { Permissions } from '../permissions.ts';
import { isLoopback } from '../loopback.ts';
import type { Grant, OAuth, TokenSet } from '../oauth.ts';
import { callApi, callOAuth, type TikTokSettings } from './client.ts';
import { creatorInfo } from './creator.ts';
import { QUOTAS } from './quotas.ts';

/** Login Kit (tiktok-facts 2). */
export function createOAuth(settings: TikTokSettings, { asked }: Permissions): OAuth {
  // A loopback redirect makes the app a desktop one, which needs PKCE (tiktok-facts 2.3).
  const desktop = isLoopback(new URL(settings.redirectUri).hostname);

  return {
    consentSources: consentSources(settings.authUrl, ['tiktok.com']),

    authorizeUrl({ state, codeVerifier }) {
      const url = new URL(`${settings.authUrl}/v2/auth/authorize/`);
      url.search = new URLSearchParams({
        client_key: settings.clientKey,
        response_type: 'code',
        // TikTok separates scopes by commas, never by spaces (tiktok-facts 2.1).
        scope: asked.join(','),
        redirect_uri: settings.redirectUri,
        state,
        // Lowercase hex, not base64url (tiktok-facts 2.3). Without disable_auto_auth, a logged-in browser silently
        // connects the same account again (tiktok-facts 2.1, web only).
        ...(desktop
          ? {
              code_challenge: createHash('sha256').update(codeVerifier).digest('hex'),
              code_challenge_method: 'S256',
            }
          : { disable_auto_auth: '1' }),
      }).toString();
      return url.href;
    },

    async exchangeCode(code, codeVerifier, signal) {
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: settings.redirectUri,
        ...(desktop ? { code_verifier: codeVerifier } : {}),
      };
      const call = { path: '/v2/oauth/token/', form, signal } as const;
      const { openId, tokens } = await callOAuth(settings, call, (answer) => {
        const read = readTokens(answer);
        if (read.openId === null) throw unreadable(answer);
        return { ...read, openId: read.openId };
      });
      return {
        scopes: tokens.scopes,
        grants: [{ openId, tokens, ...(await names(settings, tokens, signal)) }],
      };
    },

    async refresh(refreshToken, signal) {
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
      const call = { path: '/v2/oauth/token/', form, signal } as const;
      return (await callOAuth(settings, call, readTokens)).tokens;
    },

    async revoke(accessToken, signal) {
      const call = { path: '/v2/oauth/revoke/', form: { token: accessToken }, signal } as const;
      await callOAuth(settings, call, (answer) => {
        // Success has an empty body or {}; an error may come with HTTP 200 (tiktok-facts 2.6). If TikTok refuses the
        // token, it is dead already: just as good.
        const error = text(record(tryParse(answer.text))?.['error']);
        if (answer.status >= 500 || (error !== null && PASSING.has(error))) throw unreadable(answer);
      });
    },
  };
}

/** `scope` lists the granted scopes; expires_in and refresh_expires_in are the remaining seconds (tiktok-facts 2.5). */
function readTokens(answer: HttpAnswer): { openId: string | null; tokens: TokenSet } {
  const body = record(tryParse(answer.text));
  const accessToken = text(body?.['access_token']);
  const error = text(body?.['error']);
  // An OAuth error may arrive with HTTP 200 (tiktok-facts 1.3).
  if (body === null || accessToken === null || error !== null || answer.status >= 300) {
    if (error === null || answer.status >= 500) throw unreadable(answer);
    throw oauthError(error, text(body?.['error_description']), text(body?.['log_id']));
  }
  return {
    openId: id(body['open_id']),
    tokens: {
      accessToken,
      refreshToken: text(body['refresh_token']),
      expiresIn: amount(body['expires_in']),
      refreshExpiresIn: amount(body['refresh_expires_in']),
      scopes: (text(body['scope']) ?? '')
        .split(',')
        .map((scope) => scope.trim())
        .filter((scope) => scope !== ''),
    },
  };
}

/** TikTok's answers during an outage (RFC 6749); every other error is a refusal. */
const PASSING = new Set(['server_error', 'temporarily_unavailable']);

/** Kinds of the `error` values (tiktok-facts 2.7). */
function oauthError(error: string, description: string | null, logId: string | null): ProviderError {
  const said = {
    provider: 'tiktok',
    providerCode: error,
    providerMessage: description,
    logId,
    message: `TikTok answered ${error}`,
  };
  if (error === 'invalid_grant' || error === 'access_denied')
    return new ProviderError({
      ...said,
      kind: 'grant',
      code: 'grant_refused',
      userMessage: 'TikTok no longer accepts this permission. Reconnect the account.',
    });
  return new ProviderError({
    ...said,
    kind: 'unavailable',
    code: PASSING.has(error) ? 'provider_unavailable' : 'provider_configuration',
    userMessage:
      'TikTok did not accept this app’s request. Try again; if it keeps happening, the operator must check the TikTok app’s settings.',
  });
}

function unreadable(answer: HttpAnswer): ProviderError {
  return new ProviderError({
    provider: 'tiktok',
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: `TikTok answered ${answer.status} without a readable body`,
    userMessage: 'TikTok does not respond properly at the moment. Try again in a few minutes.',
  });
}

type Names = Pick<Grant, 'username' | 'displayName' | 'metadata' | 'used'>;

/**
 * The creator's names: from the profile as far as the granted scopes allow, the rest from creator info, which has both
 * (tiktok-facts 4.2). Without an answer the names stay empty; the connection does not need them.
 */
async function names(settings: TikTokSettings, tokens: TokenSet, signal: AbortSignal): Promise<Names> {
  const known = (await profile(settings, tokens, signal).catch(nothingFrom)) ?? NOBODY;
  if (known.username !== null || !tokens.scopes.includes('video.publish')) return known;
  const creator = await creatorInfo(settings, tokens.accessToken, signal).catch(nothingFrom);
  return {
    ...known,
    username: creator?.username ?? null,
    displayName: known.displayName ?? creator?.nickname ?? null,
    used: [QUOTAS.creatorInfo],
  };
}

const NOBODY: Names = { username: null, displayName: null, metadata: {} };

/** The granted scopes decide the fields: TikTok refuses the whole call for one field too many (tiktok-facts 3.1). */
async function profile(
  settings: TikTokSettings,
  { accessToken, scopes }: TokenSet,
  signal: AbortSignal,
): Promise<Names> {
  const fields = ['open_id', 'union_id', 'display_name'];
  if (scopes.includes('user.info.profile')) fields.push('username');
  const { data } = await callApi(settings, {
    method: 'GET',
    path: `/v2/user/info/?fields=${fields.join(',')}`,
    effect: 'read',
    accessToken,
    signal,
  });
  const user = record(data['user']);
  return {
    username: word(user?.['username']),
    displayName: word(user?.['display_name']),
    metadata: { unionId: id(user?.['union_id']) },
  };
}

function nothingFrom(error: unknown): null {
  if (error instanceof ProviderError) return null;
  throw error;
}
