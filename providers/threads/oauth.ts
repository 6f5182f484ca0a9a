import { callGraph } from '../meta/graph.ts';
import { codeExchange, granted, readTokens, renewed, unreadable } from '../meta/grants.ts';
import { consentSources } from '../consent.ts';
import { id, text, word } from '../json.ts';
import type { Permissions } from '../permissions.ts';
import type { OAuth } from '../oauth.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import { grantedScopes } from './scopes.ts';

/** The consent page moved from .net to .com (threads-facts 1.1); creators log in with Instagram. */
const DOMAINS = ['threads.net', 'threads.com', 'instagram.com'];

/** The calls about tokens (threads-facts 2). Those about a token itself have no version in their path. */
function createCalls(settings: ThreadsSettings) {
  const { appSecret, graphUrl } = settings;
  return {
    /** Exchanges a consent's code for a one-hour token. */
    exchange: (code: string, signal: AbortSignal) =>
      callGraph(THREADS, {
        base: graphUrl,
        method: 'POST',
        path: '/oauth/access_token',
        params: codeExchange(settings, code),
        effect: 'read',
        signal,
      }),

    /** Exchanges a one-hour token for a long-lived one. */
    prolong: (accessToken: string, signal: AbortSignal) =>
      callGraph(THREADS, {
        base: graphUrl,
        path: '/access_token',
        params: { grant_type: 'th_exchange_token', client_secret: appSecret, access_token: accessToken },
        effect: 'read',
        signal,
      }),

    refresh: (accessToken: string, signal: AbortSignal) =>
      callGraph(THREADS, {
        base: graphUrl,
        path: '/refresh_access_token',
        params: { grant_type: 'th_refresh_token', access_token: accessToken },
        effect: 'read',
        signal,
      }),

    me: (accessToken: string, signal: AbortSignal, params?: Record<string, string>) =>
      callGraph(THREADS, {
        base: `${graphUrl}/v1.0`,
        path: '/me',
        ...(params === undefined ? {} : { params }),
        effect: 'read',
        accessToken,
        signal,
      }),
  };
}

/** OAuth (threads-facts 2). There is no refresh token: a long-lived token renews itself. */
export function createOAuth(settings: ThreadsSettings, { asked }: Permissions): OAuth {
  const calls = createCalls(settings);
  return {
    renewsItself: true,
    consentSources: consentSources(settings.authUrl, DOMAINS),

    authorizeUrl({ state }) {
      const url = new URL(`${settings.authUrl}/oauth/authorize`);
      url.search = new URLSearchParams({
        client_id: settings.appId,
        redirect_uri: settings.redirectUri,
        response_type: 'code',
        scope: asked.join(','),
        state,
      }).toString();
      return url.href;
    },

    async exchangeCode(code, _codeVerifier, signal) {
      const short = await granted(THREADS, () => calls.exchange(code, signal));
      // A one-hour token is useless: without a long-lived one nothing is connected (threads-facts 2.5).
      const long = await granted(THREADS, () => calls.prolong(text(short['access_token']) ?? '', signal));
      const tokens = readTokens(THREADS, long);
      const me = await calls.me(tokens.accessToken, signal, { fields: 'id,username,name' });
      const openId = id(me['id']) ?? id(short['user_id']);
      if (openId === null) throw unreadable(THREADS);
      const scopes = await grantedScopes(settings, asked, tokens.accessToken, signal);
      const grant = {
        openId,
        username: word(me['username']),
        displayName: word(me['name']),
        tokens: { ...tokens, scopes },
        metadata: {},
      };
      return { scopes, grants: [grant] };
    },

    // Threads also refuses to renew a token that is less than a day old (threads-facts 2.6).
    refresh: (token, signal) =>
      renewed(
        THREADS,
        async () => ({ ...readTokens(THREADS, await calls.refresh(token, signal)), scopes: [] }),
        () => calls.me(token, signal),
      ),

    // Threads documents no way to revoke (threads-facts 2.7): Everpost only forgets the token.
    revoke: async () => {},
  };
}
