import { isJson, type Call } from '../core/http.ts';
import type { TikTok } from './context.ts';
import { refuse } from './envelope.ts';
import type { Options } from './options.ts';

export interface Access {
  openId: string;
  scopes: string[];
}

const MINUTE_MS = 60_000;
const READS = new Set<keyof Options['limits']>(['user.info', 'video.list', 'video.query']);

/** Every data endpoint: a live token, one of the scopes, and room in the sliding minute. */
export function createAccess(tiktok: TikTok) {
  const calls = new Map<string, number[]>();

  function limit(token: string, endpoint: keyof Options['limits']): void {
    const now = tiktok.core.clock.now();
    const shared = READS.has(endpoint) && tiktok.options.readLimitPer === 'app';
    const key = shared ? endpoint : `${endpoint} ${token}`;
    const recent = (calls.get(key) ?? []).filter((at) => at > now - MINUTE_MS);
    if (recent.length >= tiktok.options.limits[endpoint]) {
      refuse(tiktok, 429, 'rate_limit_exceeded', 'The API rate limit was exceeded. Please try again later.');
    }
    calls.set(key, [...recent, now]);
  }

  return (call: Call, scopes: string[], endpoint: keyof Options['limits'] | null): Access => {
    const token = tokenOf(call);
    const access = token === undefined ? undefined : tiktok.state.accessTokens[token];
    if (token === undefined || access === undefined || access.expiresAt <= tiktok.core.clock.now()) {
      const text = 'The access token is invalid or not found in the request.';
      return refuse(tiktok, 401, 'access_token_invalid', text);
    }
    if (scopes.length > 0 && !scopes.some((scope) => access.scopes.includes(scope))) {
      const text = `The user did not authorize the scope required for completing this request: ${scopes.join(' or ')}`;
      refuse(tiktok, 401, 'scope_not_authorized', text);
    }
    if (endpoint !== null) limit(token, endpoint);
    if (call.incoming.method === 'POST' && call.text !== '' && !isJson(call.headers)) {
      refuse(tiktok, 400, 'invalid_params', 'Content-Type must be application/json');
    }
    return { openId: access.openId, scopes: access.scopes };
  };
}

function tokenOf({ headers }: Call): string | undefined {
  return /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
}

/** The open id whose token the request has, dead or alive. */
export function accountOf(tiktok: TikTok, call: Call): string | null {
  return tiktok.state.accessTokens[tokenOf(call) ?? '']?.openId ?? null;
}
export type CheckAccess = ReturnType<typeof createAccess>;
