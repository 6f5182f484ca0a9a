import { createHmac } from 'node:crypto';

/**
 * The JSON of Meta's webhook bodies: `/` and everything that is not ASCII escaped (instagram-facts 8.2,
 * threads-facts 10.3).
 */
export function metaJson(value: unknown): string {
  const escaped = JSON.stringify(value).replaceAll('/', String.raw`\/`);
  return escaped.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Both headers, over the raw bytes. The legacy one is still sent (instagram-facts 8.2). */
export function hubSignatures(secret: string, body: string): Record<string, string> {
  const hex = (algorithm: string): string => createHmac(algorithm, secret).update(body).digest('hex');
  return { 'X-Hub-Signature': `sha1=${hex('sha1')}`, 'X-Hub-Signature-256': `sha256=${hex('sha256')}` };
}

/** `signed_request`: the signature is over the encoded payload, base64url without padding (instagram-facts 2.6). */
export function signedRequest(secret: string, payload: object): string {
  const encoded = Buffer.from(JSON.stringify(payload)).toString('base64url');
  return `${createHmac('sha256', secret).update(encoded).digest('base64url')}.${encoded}`;
}
