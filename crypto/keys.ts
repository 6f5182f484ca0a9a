import { randomBytes } from 'node:crypto';
import sodium, { ready } from 'libsodium-wrappers';
import { EnvelopeError } from './errors.ts';

/**
 * Holds key-encryption keys and works with them: in memory today, Vault transit or AWS KMS later behind the same two
 * calls. The caller owns the bytes that `unwrap` returns, and wipes them. `unwrap` throws EnvelopeError `unknown_key`,
 * `tampered` or `malformed`; every other error is worth a retry.
 */
export interface KeyProvider {
  /** The id of the key that `wrap` uses. */
  readonly activeKeyId: string;
  wrap(dataKey: Uint8Array): Promise<{ keyId: string; wrapped: Uint8Array }>;
  unwrap(keyId: string, wrapped: Uint8Array): Promise<Uint8Array>;
}

/** Key-encryption keys by id; the active one wraps, all of them unwrap. */
export interface Keyring {
  readonly activeKeyId: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * Parses `id:base64key[,id:base64key...]`; the first key is the active one. Throws one Error that names every problem
 * by the entry's position, never by its id, which may be a misplaced key.
 */
export function parseKeyring(text: string): Keyring {
  const keys = new Map<string, Uint8Array>();
  const problems: string[] = [];
  const entries = text.split(',').map((entry) => entry.trim());
  for (const [index, entry] of entries.entries()) {
    const [id = '', encoded, ...rest] = entry.split(':');
    const problem =
      entryProblem(id, encoded, rest) ?? (keys.has(id) ? 'repeats the id of an earlier entry' : undefined);
    if (problem === undefined && encoded !== undefined)
      keys.set(id, new Uint8Array(Buffer.from(encoded, 'base64')));
    else problems.push(`entry ${index + 1} ${problem}`);
  }
  const [activeKeyId] = keys.keys();
  if (problems.length > 0 || activeKeyId === undefined) {
    throw new Error(`The keyring must be id:base64key[,id:base64key...]; ${problems.join('; ')}.`);
  }
  return { activeKeyId, keys };
}

function entryProblem(id: string, encoded: string | undefined, rest: string[]): string | undefined {
  if (id === '' && encoded === undefined) return 'is empty';
  if (encoded === undefined || rest.length > 0) return 'must have exactly one ":" between id and key';
  if (!KEY_ID.test(id)) return 'needs an id of 1 to 64 letters, digits, ".", "_" or "-"';
  if (!BASE64.test(encoded)) return 'has a key that is not base64';
  const length = Buffer.byteLength(encoded.replaceAll('=', ''), 'base64');
  return length === KEY_BYTES ? undefined : `has a key of ${length} bytes instead of ${KEY_BYTES}`;
}

/** Wraps data keys with XChaCha20-Poly1305 under keys held in memory, and authenticates the key id. */
export function localKeyProvider(keyring: Keyring): KeyProvider {
  function keyOf(keyId: string): Uint8Array {
    const key = keyring.keys.get(keyId);
    if (!key) throw new EnvelopeError('unknown_key', `The keyring has no key "${keyId}".`);
    return key;
  }

  return {
    activeKeyId: keyring.activeKeyId,

    async wrap(dataKey) {
      await ready;
      const keyId = keyring.activeKeyId;
      const nonce = randomBytes(NONCE_BYTES);
      const boxed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        dataKey,
        keyId,
        null,
        nonce,
        keyOf(keyId),
      );
      return { keyId, wrapped: new Uint8Array(Buffer.concat([nonce, boxed])) };
    },

    async unwrap(keyId, wrapped) {
      await ready;
      const key = keyOf(keyId);
      if (wrapped.length < NONCE_BYTES + TAG_BYTES) {
        throw new EnvelopeError('malformed', 'The wrapped data key is too short.');
      }
      const nonce = wrapped.subarray(0, NONCE_BYTES);
      const boxed = wrapped.subarray(NONCE_BYTES);
      try {
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, boxed, keyId, nonce, key);
      } catch {
        throw new EnvelopeError('tampered', `The wrapped data key does not open with key "${keyId}".`);
      }
    },
  };
}
