import { ProviderError } from '../errors.ts';
import { consentSources } from '../consent.ts';
import { id, records, text, word } from '../json.ts';
import { callGraph } from '../meta/graph.ts';
import { codeExchange, granted, readTokens, renewed, unreadable } from '../meta/grants.ts';
import { missingFrom, type Permissions } from '../permissions.ts';
import type { OAuth } from '../oauth.ts';
import { INSTAGRAM, type InstagramLoginSettings, type Login, subscription, VERSION } from './client.ts';
import { instagramLoginPermissions, LOGIN_WEBHOOKS } from './scopes.ts';

type Json = Readonly<Record<string, unknown>>;

/** Instagram Login: no Facebook Page, its own host, no uploads (instagram-facts 3.1). */
export function createInstagramLogin(settings: InstagramLoginSettings): Login {
  const permissions = instagramLoginPermissions(settings.scopes);
  return {
    method: 'instagram_login',
    permissions,
    oauth: createOAuth(settings, permissions),
    // Calls are not signed: it is not confirmed that this host verifies signatures (instagram-facts 2.7).
    call: { base: `${settings.graphUrl}/${VERSION}` },
    // `id` is the account's id for our app only (instagram-facts 3).
    tells: { profileFields: ['user_id'], mediaFields: [], storyMetrics: [], likes: null },
  };
}

/** The calls of this login. Those about a token itself have no version in their path. */
function createCalls(settings: InstagramLoginSettings) {
  const { appSecret, apiUrl, graphUrl } = settings;
  const tokenCall = (path: string, params: Record<string, string>, signal: AbortSignal): Promise<Json> =>
    callGraph(INSTAGRAM, { base: graphUrl, path, params, effect: 'read', signal });

  const accountCall = (accessToken: string, signal: AbortSignal) =>
    ({ base: `${graphUrl}/${VERSION}`, accessToken, signal }) as const;

  return {
    /** Exchanges a consent's code for a one-hour token. */
    exchange: (code: string, signal: AbortSignal): Promise<Json> =>
      callGraph(INSTAGRAM, {
        base: apiUrl,
        method: 'POST',
        path: '/oauth/access_token',
        params: codeExchange(settings, code),
        effect: 'read',
        signal,
      }),

    /** Exchanges a one-hour token for a long-lived one. */
    prolong: (accessToken: string, signal: AbortSignal): Promise<Json> =>
      tokenCall(
        '/access_token',
        { grant_type: 'ig_exchange_token', client_secret: appSecret, access_token: accessToken },
        signal,
      ),

    refresh: (accessToken: string, signal: AbortSignal): Promise<Json> =>
      tokenCall(
        '/refresh_access_token',
        { grant_type: 'ig_refresh_token', access_token: accessToken },
        signal,
      ),

    me: (accessToken: string, signal: AbortSignal): Promise<Json> =>
      callGraph(INSTAGRAM, {
        ...accountCall(accessToken, signal),
        path: '/me',
        params: { fields: 'id,user_id,username,name' },
        effect: 'read',
      }),

    /** Subscribes the app to the account's webhooks, or unsubscribes it (instagram-facts 8.4). */
    subscription: (method: 'POST' | 'DELETE', accessToken: string, signal: AbortSignal): Promise<Json> =>
      callGraph(INSTAGRAM, {
        ...accountCall(accessToken, signal),
        method,
        path: '/me/subscribed_apps',
        params: method === 'POST' ? { subscribed_fields: 'comments' } : {},
        effect: 'read',
      }),
  };
}

function createOAuth(settings: InstagramLoginSettings, permissions: Permissions): OAuth {
  const { appId, redirectUri, authUrl } = settings;
  const calls = createCalls(settings);
  return {
    renewsItself: true,
    consentSources: consentSources(authUrl, ['instagram.com', 'facebook.com']),

    authorizeUrl({ state }) {
      const url = new URL(`${authUrl}/oauth/authorize`);
      url.search = new URLSearchParams({
        client_id: appId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: permissions.asked.join(','),
        state,
      }).toString();
      return url.href;
    },

    async exchangeCode(code, _codeVerifier, signal) {
      const short = await granted(INSTAGRAM, () => calls.exchange(code, signal)).then(unwrapped);
      // A one-hour token is useless: without a long-lived one nothing is connected.
      const long = await granted(INSTAGRAM, () => calls.prolong(text(short['access_token']) ?? '', signal));
      const scopes = readScopes(short['permissions']) ?? [...permissions.asked];
      const tokens = { ...readTokens(INSTAGRAM, long), scopes };
      // Without the basic permission the account does not even reveal its id.
      if (!scopes.includes('instagram_business_basic')) return { scopes, grants: [] };
      const me = unwrapped(await calls.me(tokens.accessToken, signal));
      // Paths and webhooks use `user_id`; the `id` beside it is specific to our app, and callbacks use it
      // (instagram-facts 3.5).
      const openId = id(me['user_id']);
      const scopedId = id(me['id']);
      if (openId === null || scopedId === null) throw unreadable(INSTAGRAM);
      const complete = missingFrom(permissions, scopes).length === 0;
      const toldOfComments = LOGIN_WEBHOOKS.every((scope) => scopes.includes(scope));
      const grant = {
        openId,
        username: word(me['username']),
        displayName: word(me['name']),
        tokens,
        metadata:
          complete && toldOfComments
            ? { webhooks: await subscription(calls.subscription('POST', tokens.accessToken, signal)) }
            : {},
        login: { id: scopedId },
      };
      return { scopes, grants: [grant] };
    },

    refresh: (token, signal) =>
      renewed(
        INSTAGRAM,
        async () => {
          const answer = await calls.refresh(token, signal);
          return { ...readTokens(INSTAGRAM, answer), scopes: readScopes(answer['permissions']) ?? [] };
        },
        () => calls.me(token, signal),
      ),

    // Instagram documents no way to revoke a permission (instagram-facts 3.6), so Everpost unsubscribes the account and
    // forgets its token.
    async revoke(token, signal) {
      try {
        await calls.subscription('DELETE', token, signal);
      } catch (error) {
        // A refused token is dead already.
        if (!(error instanceof ProviderError) || error.kind === 'unavailable') throw error;
      }
    },
  };
}

/** Documented as `{data: [{...}]}`, seen flat. */
function unwrapped(answer: Json): Json {
  return records(answer['data'])[0] ?? answer;
}

/** Documented as a comma list, seen as a list; null if it is absent. */
function readScopes(permissions: unknown): string[] | null {
  if (typeof permissions === 'string') return permissions.split(',').filter((scope) => scope !== '');
  return Array.isArray(permissions) ? permissions.filter((scope) => typeof scope === 'string') : null;
}
