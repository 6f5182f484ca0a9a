import { ProviderError } from '../errors.ts';
import { amount, text } from '../json.ts';
import type { TokenSet } from '../oauth.ts';
import type { Platform } from './errors.ts';

/*
 * Long-lived tokens of Meta's platforms: there is no refresh token; a token renews itself (instagram-facts 2.3 and 3.4,
 * threads-facts 2.6).
 */

/** The lifetime if the platform gives none (instagram-facts 2.3 and 3.4, threads-facts 2.6). */
const SIXTY_DAYS_S = 60 * 24 * 3600;

/** A long-lived token, which is also its own refresh token. @throws ProviderError if the answer has none */
export function readTokens(
  platform: Platform,
  answer: Readonly<Record<string, unknown>>,
): Omit<TokenSet, 'scopes'> {
  const accessToken = text(answer['access_token']);
  if (accessToken === null) throw unreadable(platform);
  const expiresIn = amount(answer['expires_in']) ?? SIXTY_DAYS_S;
  return { accessToken, refreshToken: accessToken, expiresIn, refreshExpiresIn: expiresIn };
}

/** Treats a refused code or token as a refused grant. */
export async function granted<T>(platform: Platform, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw isRefusal(error) ? refused(platform, error) : error;
  }
}

/**
 * Renews a token. A refusal may just mean "too early", so the token counts as dead only if another call finds it
 * invalid.
 * @param me any call that needs only a valid token
 * @returns null if the token was not renewed but is still valid
 */
export async function renewed<T>(
  platform: Platform,
  renew: () => Promise<T>,
  me: () => Promise<unknown>,
): Promise<T | null> {
  try {
    return await renew();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    try {
      await me();
    } catch (doubt) {
      const dead = doubt instanceof ProviderError && (doubt.kind === 'token' || doubt.kind === 'account');
      throw dead ? refused(platform, error) : again(platform, error);
    }
    return null;
  }
}

/** The form that exchanges a code (instagram-facts 3.3, threads-facts 2.4). */
export function codeExchange(
  app: { appId: string; appSecret: string; redirectUri: string },
  code: string,
): Record<string, string> {
  return {
    client_id: app.appId,
    client_secret: app.appSecret,
    grant_type: 'authorization_code',
    redirect_uri: app.redirectUri,
    code: withoutFragment(code),
  };
}

/** The code without the fragment that Meta appends to the redirect (instagram-facts 2.2 and 3.2, threads-facts 2.3). */
export function withoutFragment(code: string): string {
  return code.replace(/#_(=_)?$/, '');
}

function isRefusal(error: unknown): error is ProviderError {
  return error instanceof ProviderError && ['token', 'account', 'rejected'].includes(error.kind);
}

function refused(
  { provider, title }: Platform,
  { providerCode, providerMessage, logId }: ProviderError,
): ProviderError {
  return new ProviderError({
    provider,
    kind: 'grant',
    code: 'grant_refused',
    message: `${title} refused the grant: ${providerCode ?? 'no code'}`,
    userMessage: `${title} no longer accepts this permission. Reconnect the account.`,
    providerCode,
    providerMessage,
    logId,
  });
}

function again(
  { provider, title }: Platform,
  { providerCode, providerMessage, logId }: ProviderError,
): ProviderError {
  return new ProviderError({
    provider,
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: `${title} did not renew the token: ${providerCode ?? 'no code'}`,
    userMessage: `${title} does not respond properly at the moment. Everpost will try again.`,
    providerCode,
    providerMessage,
    logId,
  });
}

/** The answer lacks the requested fields. */
export function unreadable({ provider, title }: Platform): ProviderError {
  return new ProviderError({
    provider,
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: `${title} answered without the requested fields`,
    userMessage: `${title} does not respond properly at the moment. Try again in a few minutes.`,
  });
}
