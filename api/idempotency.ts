import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { hmacSha256Hex, randomToken } from '../crypto/signatures.ts';
import { hashOf } from './canonical.ts';

/** Of every POST that creates. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]+$',
      description:
        'Any text of yours that names this request. Sent again with the same body, it has the same answer.',
    }),
  ),
});

export interface Identity {
  /** Of the row that is about to be made. */
  id: string;
  /** 32 bytes in base64url, shown once and kept as a hash only. */
  secret: string;
}

/**
 * Id and secret of something new. With an idempotency key they follow from the request, so that the request sent again
 * finds its row by the id, and can answer with the secret although nobody has kept it. The same key with another body
 * has the same id but another secret.
 * @param secretKey of api/identity-key.ts; read only where there is an idempotency key
 * @param scope what is made, and for whom
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

/** A version 8 UUID (RFC 9562: custom) of 122 of the hash's bits. */
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
