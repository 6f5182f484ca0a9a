import { deriveKeyHex } from './derived-keys.ts';
import type { Keyring } from './keys.ts';
import { equalHex, hmacSha256Hex } from './signatures.ts';

/** How long a provider may fetch a file: a container is made right after, and asks within the hour. */
const LIFE_S = 6 * 3600;

/** Makes and checks links under which providers fetch our media: signed, and of no use after some hours. */
export interface MediaLinks {
  url: (mediaId: string) => string;
  /** @param expires seconds, as the link says */
  isValid: (mediaId: string, expires: string, signature: string) => boolean;
}

/** Signs with a key of its own, derived from the active key-encryption key; every key of the ring verifies. */
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
