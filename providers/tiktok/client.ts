import { ProviderError } from '../errors.ts';
import { http, type HttpAnswer } from '../http.ts';
import { measured } from '../measured.ts';
import { lost, readEnvelope, type Envelope } from './errors.ts';

/** The settings that the TikTok folder needs (settings.ts reads them). */
export interface TikTokSettings {
  clientKey: string;
  clientSecret: string;
  redirectUri: string;
  webhookSecrets: readonly string[];
  authUrl: string;
  apiUrl: string;
  uploadHosts: readonly string[];
  /** Whether TikTok has audited the app. */
  audited: boolean;
  /** The scopes that the consent asks for; absent: the default. */
  scopes?: readonly string[];
}

/** A call of a data endpoint; TikTok answers 404 to a path without a trailing slash (tiktok-facts 1.2 and 1.3). */
export function callApi(
  { apiUrl }: TikTokSettings,
  call: {
    method?: 'GET' | 'POST';
    path: `/v2/${string}`;
    body?: object;
    effect: 'read' | 'write';
    /** The per-minute quota that it counts against; named if TikTok refuses the call for its rate. */
    quota?: string;
    accessToken: string;
    signal: AbortSignal;
  },
): Promise<Envelope> {
  return measured('tiktok', 'api', async () => {
    const answer = await http({
      method: call.method ?? 'POST',
      url: `${apiUrl}${call.path}`,
      headers: {
        authorization: `Bearer ${call.accessToken}`,
        'content-type': 'application/json; charset=UTF-8',
      },
      ...(call.method === 'GET' ? {} : { body: JSON.stringify(call.body ?? {}) }),
      signal: call.signal,
    }).catch((error: unknown): never => {
      throw lost(error, call.effect);
    });
    try {
      return readEnvelope(answer, call.effect);
    } catch (error) {
      const { quota } = call;
      const named = error instanceof ProviderError && error.code === 'rate_limit_exceeded';
      throw named && quota !== undefined ? new ProviderError({ ...error.init, quota }) : error;
    }
  });
}

/** A call of an OAuth endpoint: sends a form; `read` parses the flat answer. */
export function callOAuth<T>(
  { apiUrl, clientKey, clientSecret }: TikTokSettings,
  call: { path: `/v2/oauth/${string}/`; form: Record<string, string>; signal: AbortSignal },
  read: (answer: HttpAnswer) => T,
): Promise<T> {
  return measured('tiktok', 'oauth', async () => {
    const answer = await http({
      method: 'POST',
      url: `${apiUrl}${call.path}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'cache-control': 'no-cache' },
      body: new URLSearchParams({
        client_key: clientKey,
        client_secret: clientSecret,
        ...call.form,
      }).toString(),
      signal: call.signal,
    }).catch((error: unknown): never => {
      throw lost(error, 'read');
    });
    return read(answer);
  });
}
