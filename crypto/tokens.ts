import type { Aad, Envelope, WrappedKey } from './envelope.ts';

/** The row and version of a token's ciphertext, the only place where it can be opened. */
interface Place {
  id: string;
  tokenVersion: number;
}

const aad = (column: string, { id, tokenVersion }: Place): Aad => ({
  table: 'oauth_accounts',
  column,
  row: id,
  version: tokenVersion,
});

export interface SealedTokens {
  accessTokenEncrypted: Uint8Array;
  refreshTokenEncrypted: Uint8Array | null;
}

/** Encrypts an account's token pair for the version under which it will be stored. */
export async function sealTokens(
  envelope: Envelope,
  key: WrappedKey,
  place: Place,
  tokens: { accessToken: string; refreshToken: string | null },
): Promise<SealedTokens> {
  return {
    accessTokenEncrypted: await envelope.seal(key, tokens.accessToken, aad('access_token_encrypted', place)),
    refreshTokenEncrypted:
      tokens.refreshToken === null
        ? null
        : await envelope.seal(key, tokens.refreshToken, aad('refresh_token_encrypted', place)),
  };
}

/** @throws EnvelopeError if the ciphertext belongs elsewhere, or its key is unknown */
export function openAccessToken(
  envelope: Envelope,
  key: WrappedKey,
  place: Place,
  sealed: Uint8Array,
): Promise<string> {
  return envelope.open(key, sealed, aad('access_token_encrypted', place));
}

/** @throws EnvelopeError if the ciphertext belongs elsewhere, or its key is unknown */
export function openRefreshToken(
  envelope: Envelope,
  key: WrappedKey,
  place: Place,
  sealed: Uint8Array,
): Promise<string> {
  return envelope.open(key, sealed, aad('refresh_token_encrypted', place));
}
