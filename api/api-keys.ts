import { equalHex, hmacSha256Hex } from '../crypto/signatures.ts';

/*
 * API keys: a prefix, and 32 bytes in base64url. The last 8 bytes prove that this installation created the key, so that
 * invented keys are recognized without the database. Some keys prove nothing, because they are older or were created
 * while no key of the keyring opened the installation's secret; they work all the same.
 */

/** The prefix distinguishes keys from other secrets. */
const PREFIX = 'ep_';
const KEY = new RegExp(`^${PREFIX}([A-Za-z0-9_-]{43})$`);
const RANDOM_BYTES = 24;
const PROOF_BYTES = 8;

/** Whether a bearer token has the form of a key. */
export const isKeyShaped = (token: string): boolean => KEY.test(token);

/**
 * A new key.
 * @param secretKey from api/identity-key.ts; null if it is not available: then the key proves nothing
 * @param secret 32 random bytes in base64url
 */
export function newKey(secretKey: string | null, secret: string): string {
  if (secretKey === null) return PREFIX + secret;
  const random = Buffer.from(secret, 'base64url').subarray(0, RANDOM_BYTES);
  const proof = Buffer.from(proofOf(secretKey, random), 'hex');
  return PREFIX + Buffer.concat([random, proof]).toString('base64url');
}

/** Whether a key proves that this installation created it; it may have been revoked since. */
export function isOurs(secretKey: string, token: string): boolean {
  const bytes = Buffer.from(KEY.exec(token)?.[1] ?? '', 'base64url');
  return equalHex(
    bytes.subarray(RANDOM_BYTES).toString('hex'),
    proofOf(secretKey, bytes.subarray(0, RANDOM_BYTES)),
  );
}

function proofOf(secretKey: string, random: Uint8Array): string {
  return hmacSha256Hex(secretKey, 'api key:', random).slice(0, 2 * PROOF_BYTES);
}
