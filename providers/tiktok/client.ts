import { ProviderError } from '../errors.ts';
import { http, type HttpAnswer } from '../http.ts';
import { measured } from '../measured.ts';
import { lost, readEnvelope, type Envelope } from './errors.ts';

/** What the TikTok folder needs of the settings (settings.ts reads them). */
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
  /** What the consent asks for, where it is not the usual. */
  scopes?: readonly string[];
}

/** A call of a data endpoint; paths end with a slash or TikTok answers 404 (tiktok-facts 1.2 and 1.3). */
export function callApi(
  { apiUrl }: TikTokSettings,
  call: {
    method?: 'GET' | 'POST';
    path: `/v2/${string}`;
    body?: object;
    effect: 'read' | 'write';
    /** Which of the account's limits a minute it counts for, named where TikTok says that one is used up. */
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

/** A call of an OAuth endpoint: a form in, a flat answer out, which `read` understands. */
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
