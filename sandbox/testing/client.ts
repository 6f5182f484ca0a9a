import { createHash, randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { parse } from '../core/json.ts';

/** A client for tests and scripts: the control API, and the shortest way to a connected account. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: unknown;
}

export interface TestApp {
  clientKey: string;
  clientSecret: string;
  redirectUri: string;
}

const TokenAnswer = Type.Object({
  access_token: Type.String(),
  refresh_token: Type.String(),
  open_id: Type.String(),
  scope: Type.String(),
  expires_in: Type.Number(),
  refresh_expires_in: Type.Number(),
});

const EVERY_SCOPE = 'user.info.basic,user.info.profile,user.info.stats,video.list,video.upload,video.publish';

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let body: unknown = null;
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    try {
      body = JSON.parse(text);
    } catch {
      // Some faults cut JSON short; the text says enough.
    }
  }
  return { status: response.status, headers: response.headers, text, body };
}

/** Opens the consent page and returns where the browser is sent. */
export async function visit(pageUrl: string): Promise<URL> {
  const response = await fetch(pageUrl, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`no redirect: ${response.status} ${await response.text()}`);
  return new URL(location);
}

async function put(uploadUrl: string, bytes: Uint8Array, first: number, total: number): Promise<Answer> {
  const headers = {
    'content-type': 'video/mp4',
    'content-range': `bytes ${first}-${first + bytes.length - 1}/${total}`,
  };
  return answerOf(await fetch(uploadUrl, { method: 'PUT', headers, body: Buffer.from(bytes) }));
}

/** The control API. */
export function createControl(url: string) {
  return async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const { status, text, body: result } = await answerOf(await fetch(`${url}/_sandbox${path}`, init));
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
    return result;
  };
}

export function createTestClient(url: string, app: TestApp) {
  const control = createControl(url);

  function authorizeUrl(changes: Record<string, string> = {}): string {
    const query = {
      client_key: app.clientKey,
      response_type: 'code',
      scope: EVERY_SCOPE,
      redirect_uri: app.redirectUri,
      state: 'opaque state/+',
    };
    return `${url}/v2/auth/authorize/?${new URLSearchParams({ ...query, ...changes }).toString()}`;
  }

  async function postForm(path: string, form: Record<string, string>): Promise<Answer> {
    const all = { client_key: app.clientKey, client_secret: app.clientSecret, ...form };
    return answerOf(await fetch(url + path, { method: 'POST', body: new URLSearchParams(all) }));
  }

  async function connect(creator?: string, scopes = EVERY_SCOPE) {
    const verifier = randomBytes(32).toString('base64url');
    const challenge = createHash('sha256').update(verifier).digest('hex');
    await control('POST', '/consent', { decision: 'approve', ...(creator === undefined ? {} : { creator }) });
    const callback = await visit(
      authorizeUrl({ scope: scopes, code_challenge: challenge, code_challenge_method: 'S256' }),
    );
    const { body } = await postForm('/v2/oauth/token/', {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: app.redirectUri,
      code_verifier: verifier,
    });
    const tokens = parse(TokenAnswer, body);
    return { accessToken: tokens.access_token, refreshToken: tokens.refresh_token, openId: tokens.open_id };
  }

  async function call(accessToken: string, path: string, body?: unknown, method = 'POST'): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json; charset=UTF-8',
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return answerOf(await fetch(url + path, { method, headers, ...sent }));
  }

  return { control, authorizeUrl, visit, postForm, connect, call, put };
}

export type TestClient = ReturnType<typeof createTestClient>;
