import { hkdfSync } from 'node:crypto';

/**
 * A 32-byte key for one purpose, as lower-case hex (HKDF-SHA256). A leaked key reveals neither another purpose's key
 * nor `secret`.
 * @param secret 32 unguessable bytes
 */
export function deriveKeyHex(secret: Uint8Array, purpose: string): string {
  return Buffer.from(hkdfSync('sha256', secret, '', `everpost ${purpose}`, 32)).toString('hex');
}
