import { json, Refusal, type Reply } from '../core/http.ts';
import { logId } from '../core/ids.ts';
import { stringify } from '../core/json.ts';
import type { TikTok } from './context.ts';

/** Shape 1 of tiktok-facts 1.3: data endpoints. */
export function ok(tiktok: TikTok, data: object): Reply {
  return envelope(tiktok, 200, data, 'ok', '');
}

export function refuse(tiktok: TikTok, http: number, code: string, message = ''): never {
  const data = tiktok.options.errorData === 'empty' ? {} : undefined;
  throw new Refusal(envelope(tiktok, http, data, code, message));
}

function envelope(
  tiktok: TikTok,
  http: number,
  data: object | undefined,
  code: string,
  message: string,
): Reply {
  const log_id = logId(tiktok.core.clock.now());
  return json(http, stringify({ data, error: { code, message, log_id } }), { 'x-tt-logid': log_id });
}

export function envelopeErrorBody(tiktok: TikTok) {
  return (code: string, message: string): string =>
    JSON.stringify({ data: {}, error: { code, message, log_id: logId(tiktok.core.clock.now()) } });
}

/** Shape 2 of tiktok-facts 1.3: OAuth endpoints, flat, and possibly with HTTP 200. */
export function refuseFlat(tiktok: TikTok, error: string, description: string): never {
  const log_id = logId(tiktok.core.clock.now());
  const body = JSON.stringify({ error, error_description: description, log_id });
  throw new Refusal(json(tiktok.options.oauthErrorStatus, body, { 'x-tt-logid': log_id }));
}

export function flatErrorBody(tiktok: TikTok) {
  return (error: string, description: string): string =>
    JSON.stringify({ error, error_description: description, log_id: logId(tiktok.core.clock.now()) });
}
