import { deriveKeyHex } from './derived-keys.ts';
import type { Keyring } from './keys.ts';
import { equalHex, hmacSha256Hex } from './signatures.ts';

/**
 * How long a provider may fetch a file. Everpost creates the container right away, and the provider fetches within the
 * hour.
 */
const LIFE_S = 6 * 3600;

/** Makes and verifies the signed links under which providers fetch our media; a link expires after some hours. */
export interface MediaLinks {
  url: (mediaId: string) => string;
  /** @param expires the link's expiry, in seconds since the epoch */
  isValid: (mediaId: string, expires: string, signature: string) => boolean;
}

/** Signs with its own key, derived from the active key-encryption key; verifies with every key of the keyring. */
export function createMediaLinks(publicUrl: string, keyring: Keyring): MediaLinks {
  const keys = new Map([...keyring.keys].map(([id, key]) => [id, deriveKeyHex(key, 'media links')]));
  const active = keys.get(keyring.activeKeyId) ?? '';
  return {
    url(mediaId) {
      const expires = String(Math.floor(Date.now() / 1000) + LIFE_S);
      return `${publicUrl}/media/${mediaId}/file?expires=${expires}&signature=${sign(active, mediaId, expires)}`;
    },
    isValid(mediaId, expires, signature) {
      if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < Date.now()) return false;
      return [...keys.values()].map((key) => equalHex(sign(key, mediaId, expires), signature)).includes(true);
    },
  };
}

function sign(key: string, mediaId: string, expires: string): string {
  return hmacSha256Hex(key, `${mediaId}.${expires}`);
}
