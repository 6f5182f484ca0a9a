import { createHmac, timingSafeEqual } from 'node:crypto';
import { isForm, isJson, type Call } from '../core/http.ts';
import { refuseGraph } from './errors.ts';

/**
 * The query and the body as one set of parameters. Only these are read from a JSON body: other optional parameters were
 * seen to be silently ignored (instagram-facts 1.4, threads-facts 1.2).
 */
const READ_FROM_JSON = [
  'access_token',
  'auto_publish_text',
  'children',
  'creation_id',
  'image_url',
  'is_carousel_item',
  'media_type',
  'text',
  'upload_type',
  'video_url',
];

export async function graphParams(call: Call): Promise<URLSearchParams> {
  const params = new URLSearchParams(call.url.searchParams);
  for (const [name, value] of await bodyParams(call)) params.set(name, value);
  return params;
}

async function bodyParams({ headers, text }: Call): Promise<[string, string][]> {
  if (text === '') return [];
  if (isForm(headers)) return [...new URLSearchParams(text)];
  if (isJson(headers)) return jsonParams(text);
  const contentType = headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/form-data')) return [];
  const form = await new Response(text, { headers: { 'content-type': contentType } }).formData();
  return [...form].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []));
}

function jsonParams(text: string): [string, string][] {
  const parsed = parseJson(text);
  if (typeof parsed !== 'object' || parsed === null) return [];
  return Object.entries(parsed)
    .filter(([name]) => READ_FROM_JSON.includes(name))
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuseGraph({ code: 100, message: 'The request body is not valid JSON' });
  }
}

/** `access_token`, or a header `Authorization: Bearer` (instagram-facts 1.3, threads-facts 1.2). */
export function tokenOf(call: Call, params: URLSearchParams): string | null {
  return params.get('access_token') ?? headerToken(call, 'Bearer');
}

export function headerToken(call: Call, scheme: 'Bearer' | 'OAuth'): string | null {
  const [, token] = new RegExp(`^${scheme} (\\S+)$`).exec(call.headers.authorization ?? '') ?? [];
  return token ?? null;
}

/**
 * appsecret_proof: hex HMAC-SHA256 of the token, or of `token|appsecret_time` (instagram-facts 2.7).
 * It counts only in the query (instagram-facts 2.7).
 */
export function proofOf(call: Call, token: string, secret: string): 'missing' | 'wrong' | 'right' {
  const proof = call.url.searchParams.get('appsecret_proof');
  if (proof === null) return 'missing';
  const time = call.url.searchParams.get('appsecret_time');
  const message = time === null ? token : `${token}|${time}`;
  const expected = createHmac('sha256', secret).update(message).digest('hex');
  const same = proof.length === expected.length && timingSafeEqual(Buffer.from(proof), Buffer.from(expected));
  return same ? 'right' : 'wrong';
}
