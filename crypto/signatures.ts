import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA256 over the concatenated parts, as lower-case hex. Pass raw bytes for anything that came over the wire. */
export function hmacSha256Hex(secret: string, ...parts: (string | Uint8Array)[]): string {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

/** SHA-256 as lower-case hex; text is hashed as UTF-8. */
export function sha256Hex(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

const HEX = /^(?:[0-9a-f]{2})+$/i;

/** Compares two hex strings in constant time. False if one of them is not hex. */
export function equalHex(a: string, b: string): boolean {
  if (!HEX.test(a) || !HEX.test(b) || a.length !== b.length) return false;
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}

/** A random token of `bytes` bytes in base64url (32 bytes: 43 characters), for states, links and API keys. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}
