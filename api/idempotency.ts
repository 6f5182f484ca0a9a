import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { hmacSha256Hex, randomToken } from '../crypto/signatures.ts';
import { hashOf } from './canonical.ts';

/** The headers of every POST that creates something. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]+$',
      description:
        'A text of your choice that identifies this request. Repeating it with the same body returns the same answer.',
    }),
  ),
});

export interface Identity {
  /** The id of the row to create. */
  id: string;
  /** 32 bytes in base64url, shown once and stored only as a hash. */
  secret: string;
}

/**
 * The id and the secret of a new object. With an idempotency key both are derived from the request, so that a repeated
 * request finds its row by the id and can return the secret, which is not stored. The same key with another body gives
 * the same id but another secret.
 * @param secretKey from api/identity-key.ts; called only if there is an idempotency key
 * @param scope the kind of object, and its owner
 * @throws what `secretKey` throws
 */
export async function identityOf(
  secretKey: () => Promise<string>,
  scope: readonly string[],
  key: string | undefined,
  body: unknown,
): Promise<Identity> {
  if (key === undefined) return { id: randomUUID(), secret: randomToken() };
  const ofInstallation = await secretKey();
  const derive = (purpose: string, ...parts: string[]): string =>
    hmacSha256Hex(ofInstallation, JSON.stringify(['everpost', purpose, ...scope, key, ...parts]));
  return {
    id: uuidOf(derive('id')),
    secret: Buffer.from(derive('secret', hashOf(body)), 'hex').toString('base64url'),
  };
}

/** A version 8 UUID (RFC 9562: custom) from 122 bits of the hash. */
function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
