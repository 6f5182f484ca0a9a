import { createHmac } from 'node:crypto';
import { http } from '../http.ts';
import { measured } from '../measured.ts';
import type { Usage } from '../usage.ts';
import { lostAnswer, type Platform, readAnswer } from './errors.ts';
import { usageOf } from './usage.ts';

export interface GraphCall {
  /** Base URL of the host, with the version if the host has versions. */
  base: string;
  method?: 'GET' | 'POST' | 'DELETE';
  path: string;
  /**
   * Sent in the query of a GET and in the form of a POST: JSON bodies lose parameters (instagram-facts 1.4,
   * threads-facts 1.2).
   */
  params?: Readonly<Record<string, string>>;
  effect: 'read' | 'write' | 'publish';
  /** Absent: the call brings its own credentials. */
  accessToken?: string;
  /** Signs the call (instagram-facts 2.7). */
  appSecret?: string;
  signal: AbortSignal;
}

export interface GraphAnswer {
  body: Readonly<Record<string, unknown>>;
  /** Null: the answer says nothing about it. */
  usage: Usage | null;
}

/** One call of a Graph API. @throws ProviderError */
export async function callGraph(platform: Platform, call: GraphCall): Promise<GraphAnswer['body']> {
  return (await readGraph(platform, call)).body;
}

/** {@link callGraph}, with what the headers say about the allowance, of which a ProviderError keeps the percent. */
export async function readGraph(platform: Platform, call: GraphCall): Promise<GraphAnswer> {
  const { method = 'GET', accessToken, appSecret } = call;
  const url = new URL(`${call.base}${call.path}`);
  const form = new URLSearchParams(call.params);
  if (method !== 'POST') for (const [name, value] of form) url.searchParams.set(name, value);
  // In the query even of a POST: Meta ignores it in the body.
  if (appSecret !== undefined && accessToken !== undefined)
    url.searchParams.set(
      'appsecret_proof',
      createHmac('sha256', appSecret).update(accessToken).digest('hex'),
    );
  // A call without a token is one that obtains a token.
  return measured(platform.provider, accessToken === undefined ? 'oauth' : 'api', async () => {
    const answer = await http({
      method,
      url: url.href,
      headers: {
        ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
        ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(method === 'POST' ? { body: form.toString() } : {}),
      signal: call.signal,
    }).catch((error: unknown): never => {
      throw lostAnswer(platform, error, call.effect);
    });
    return {
      body: readAnswer(platform, answer, call.effect),
      usage: usageOf(platform.provider, answer.headers),
    };
  });
}
