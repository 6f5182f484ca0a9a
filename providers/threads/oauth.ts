import { ProviderError } from '../errors.ts';
import { callGraph } from '../meta/graph.ts';
import { amount, id, text } from '../json.ts';
import type { OAuth, TokenSet } from '../provider.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import { grantedScopes, SCOPES } from './scopes.ts';

const REQUIRED = ['threads_basic', 'threads_content_publish'];
/** Where Threads does not say (sheet section 2.6). */
const SIXTY_DAYS_S = 60 * 24 * 3600;

/** OAuth (sheet section 2). There is no refresh token: a long-lived token is renewed with itself. */
export function createOAuth(settings: ThreadsSettings): OAuth {
  const base = settings.graphUrl;
  return {
    requiredScopes: REQUIRED,

    authorizeUrl({ state }) {
      const url = new URL(`${settings.authUrl}/oauth/authorize`);
      url.search = new URLSearchParams({
        client_id: settings.appId,
        redirect_uri: settings.redirectUri,
        response_type: 'code',
        scope: SCOPES.join(','),
        state,
      }).toString();
      return url.href;
    },

    async exchangeCode(code, _codeVerifier, signal) {
      const short = await grantCall(() =>
        callGraph(THREADS, {
          base,
          method: 'POST',
          path: '/oauth/access_token',
          params: {
            client_id: settings.appId,
            client_secret: settings.appSecret,
            grant_type: 'authorization_code',
            redirect_uri: settings.redirectUri,
            code,
          },
          effect: 'read',
          signal,
        }),
      );
      // An hour's token is of no use: without a long-lived one nothing is connected (section 2.5).
      const long = await grantCall(() =>
        callGraph(THREADS, {
          base,
          path: '/access_token',
          params: {
            grant_type: 'th_exchange_token',
            client_secret: settings.appSecret,
            access_token: text(short['access_token']) ?? '',
          },
          effect: 'read',
          signal,
        }),
      );
      const tokens = readTokens(long);
      const me = await callGraph(THREADS, {
        base: `${base}/v1.0`,
        path: '/me',
        params: { fields: 'id,username,name' },
        effect: 'read',
        accessToken: tokens.accessToken,
        signal,
      });
      const openId = id(me['id']) ?? id(short['user_id']);
      if (openId === null) throw unreadable();
      const scopes = await grantedScopes(settings, tokens.accessToken, signal);
      const grant = {
        openId,
        username: text(me['username']),
        displayName: text(me['name']),
        tokens: { ...tokens, scopes },
        metadata: {},
      };
      return { scopes, grants: [grant] };
    },

    async refresh(token, signal) {
      try {
        const answer = await callGraph(THREADS, {
          base,
          path: '/refresh_access_token',
          params: { grant_type: 'th_refresh_token', access_token: token },
          effect: 'read',
          signal,
        });
        return { ...readTokens(answer), scopes: [] };
      } catch (error) {
        if (!(error instanceof ProviderError) || error.kind === 'unavailable') throw error;
        throw await doubt(settings, token, error, signal);
      }
    },

    // None is documented (section 2.7): the token is forgotten.
    revoke: async () => {},
  };
}

function readTokens(answer: Readonly<Record<string, unknown>>): Omit<TokenSet, 'scopes'> {
  const accessToken = text(answer['access_token']);
  if (accessToken === null) throw unreadable();
  const expiresIn = amount(answer['expires_in']) ?? SIXTY_DAYS_S;
  return { accessToken, refreshToken: accessToken, expiresIn, refreshExpiresIn: expiresIn };
}

/** A code that is refused is a grant that was not given. */
async function grantCall<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ProviderError && error.kind !== 'unavailable') throw refused(error);
    throw error;
  }
}

/** Only a token that Threads itself calls invalid is dead; a refusal may as well mean "too early" (section 2.6). */
async function doubt(
  { graphUrl }: ThreadsSettings,
  token: string,
  refusal: ProviderError,
  signal: AbortSignal,
): Promise<ProviderError> {
  try {
    await callGraph(THREADS, {
      base: `${graphUrl}/v1.0`,
      path: '/me',
      effect: 'read',
      accessToken: token,
      signal,
    });
    return again(refusal);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return error.kind === 'token' ? refused(refusal) : again(refusal);
  }
}

function refused({ providerCode, providerMessage, logId }: ProviderError): ProviderError {
  return new ProviderError({
    provider: 'threads',
    kind: 'grant',
    code: 'grant_refused',
    message: `Threads refused the grant: ${providerCode ?? 'no code'}`,
    userMessage: 'Threads no longer accepts this permission. Connect the account again.',
    providerCode,
    providerMessage,
    logId,
  });
}

function again({ providerCode, providerMessage, logId }: ProviderError): ProviderError {
  return new ProviderError({
    provider: 'threads',
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: `Threads did not renew the token: ${providerCode ?? 'no code'}`,
    userMessage: 'Threads does not answer properly at the moment. It is tried again.',
    providerCode,
    providerMessage,
    logId,
  });
}

function unreadable(): ProviderError {
  return new ProviderError({
    provider: 'threads',
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: 'Threads answered without what was asked for',
    userMessage: 'Threads does not answer properly at the moment. Try again in a few minutes.',
  });
}
