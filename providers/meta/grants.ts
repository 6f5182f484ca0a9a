import { ProviderError } from '../errors.ts';
import { amount, text } from '../json.ts';
import type { TokenSet } from '../oauth.ts';
import type { Platform } from './errors.ts';

/*
 * Long-lived tokens of Meta's platforms: there is no refresh token, a token is renewed with itself
 * (instagram-facts 2.3 and 3.4, threads-facts 2.6).
 */

/** Where the platform does not say (instagram-facts 2.3 and 3.4, threads-facts 2.6). */
const SIXTY_DAYS_S = 60 * 24 * 3600;

/** A long-lived token, which is its own refresh token. @throws ProviderError where there is none in the answer */
export function readTokens(
  platform: Platform,
  answer: Readonly<Record<string, unknown>>,
): Omit<TokenSet, 'scopes'> {
  const accessToken = text(answer['access_token']);
  if (accessToken === null) throw unreadable(platform);
  const expiresIn = amount(answer['expires_in']) ?? SIXTY_DAYS_S;
  return { accessToken, refreshToken: accessToken, expiresIn, refreshExpiresIn: expiresIn };
}

/** A code or a token that is refused is a grant that was not given, or has ended. */
export async function granted<T>(platform: Platform, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw isRefusal(error) ? refused(platform, error) : error;
  }
}

/**
 * Renews a token. Only one that the platform itself calls invalid is dead: a refusal may as well mean "too early".
 * @param me any call that needs nothing but a token that lives
 * @returns null when it is not renewed, but lives
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

/** What is sent to exchange a code where the platform wants a form (instagram-facts 3.3, threads-facts 2.4). */
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

/** A code without the fragment that Meta appends to the redirect (instagram-facts 2.2 and 3.2, threads-facts 2.3). */
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
    userMessage: `${title} no longer accepts this permission. Connect the account again.`,
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
    userMessage: `${title} does not answer properly at the moment. It is tried again.`,
    providerCode,
    providerMessage,
    logId,
  });
}

/** The answer lacks what was asked for. */
export function unreadable({ provider, title }: Platform): ProviderError {
  return new ProviderError({
    provider,
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: `${title} answered without what was asked for`,
    userMessage: `${title} does not answer properly at the moment. Try again in a few minutes.`,
  });
}
