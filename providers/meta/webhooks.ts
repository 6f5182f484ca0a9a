import { createHmac, timingSafeEqual } from 'node:crypto';
import { equalHex, hmacSha256Hex } from '../../crypto/signatures.ts';
import { id, record, tryParse } from '../json.ts';

/* What Meta's callbacks have in common (sheet instagram sections 2.6 and 8). */

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Whether one of the secrets signed these bytes: `X-Hub-Signature-256: sha256=<hex>`. */
export function isSigned(secrets: readonly string[], body: Uint8Array, headers: Headers): boolean {
  const header = headers['x-hub-signature-256'];
  const [, signature] = /^sha256=([0-9a-f]{64})$/i.exec(typeof header === 'string' ? header : '') ?? [];
  if (signature === undefined) return false;
  return secrets
    .map((secret) => equalHex(hmacSha256Hex(secret, body), signature.toLowerCase()))
    .includes(true);
}

/** The answer to a subscription's handshake; null where the token is not ours. */
export function handshake(query: Readonly<Record<string, unknown>>, verifyToken: string): string | null {
  const { 'hub.mode': mode, 'hub.challenge': challenge, 'hub.verify_token': token } = query;
  if (mode !== 'subscribe' || typeof challenge !== 'string' || typeof token !== 'string') return null;
  const [given, right] = [token, verifyToken].map((text) =>
    createHmac('sha256', 'verify').update(text).digest(),
  );
  return given !== undefined && right !== undefined && timingSafeEqual(given, right) ? challenge : null;
}

/**
 * Reads a `signed_request`: `base64url(signature).base64url(JSON)`, signed over the encoded JSON.
 * @returns the user that it is about; null where no secret of ours signed it
 */
export function signedUser(signedRequest: string, secrets: readonly string[]): string | null {
  const [signature = '', payload = '', ...rest] = signedRequest.split('.');
  if (rest.length > 0 || signature === '' || payload === '') return null;
  const given = Buffer.from(signature, 'base64url').toString('hex');
  if (!secrets.map((secret) => equalHex(hmacSha256Hex(secret, payload), given)).includes(true)) return null;
  const said = record(tryParse(Buffer.from(payload, 'base64url').toString()));
  return id(said?.['user_id']);
}
