import { hkdfSync } from 'node:crypto';

/**
 * A key of 32 bytes for one purpose, as lower-case hex (HKDF-SHA256): what one purpose gives away says nothing about
 * another's key, nor about `secret`.
 * @param secret bytes that nobody can guess, 32 of them
 */
export function deriveKeyHex(secret: Uint8Array, purpose: string): string {
  return Buffer.from(hkdfSync('sha256', secret, '', `everpost ${purpose}`, 32)).toString('hex');
}
