import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { memzero } from 'libsodium-wrappers';
import { dataKeyCache, type WrappedKey } from './datakeys.ts';
import { EnvelopeError } from './errors.ts';
import type { KeyProvider } from './keys.ts';

export { EnvelopeError } from './errors.ts';
export type { WrappedKey } from './datakeys.ts';

/** The place of a ciphertext, the only one where it can be opened. */
export interface Aad {
  table: string;
  column: string;
  row: string;
  version: number;
}

/** Encrypts secrets for storage: a data key encrypts the secret, a key-encryption key the data key. */
export interface Envelope {
  /** Makes a data key, wrapped by the active key-encryption key. */
  newDataKey(): Promise<WrappedKey>;
  /** Encrypts `plaintext` for the place `aad`; never the same bytes twice. */
  seal(key: WrappedKey, plaintext: string, aad: Aad): Promise<Uint8Array>;
  /**
   * Decrypts the output of `seal`. Throws EnvelopeError: `unknown_key`, `tampered` (also if moved to another place),
   * `malformed`.
   */
  open(key: WrappedKey, sealed: Uint8Array, aad: Aad): Promise<string>;
  /** Drops and wipes the unwrapped key, for example after a rotation or a disconnect. */
  forget(key: WrappedKey): void;
  /** Wipes every unwrapped key; afterwards the envelope refuses to work. */
  close(): void;
}

interface EnvelopeOptions {
  keys: KeyProvider;
  /** The most unwrapped data keys in memory. */
  maxKeys?: number;
  /** How long an unwrapped data key stays in memory, in milliseconds. */
  ttlMs?: number;
}

const CIPHER = 'aes-256-gcm';
const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + IV_BYTES + TAG_BYTES;

export function createEnvelope({ keys, maxKeys = 1_000, ttlMs = 300_000 }: EnvelopeOptions): Envelope {
  const cache = dataKeyCache(keys, maxKeys, ttlMs);
  return {
    async newDataKey() {
      const dataKey = randomBytes(32);
      try {
        return await keys.wrap(dataKey);
      } finally {
        memzero(dataKey);
      }
    },
    seal: (key, plaintext, aad) => cache.withDataKey(key, (dataKey) => encrypt(dataKey, plaintext, aad)),
    open: (key, sealed, aad) => cache.withDataKey(key, (dataKey) => decrypt(dataKey, sealed, aad)),
    forget: (key) => cache.forget(key),
    close: () => cache.close(),
  };
}

// Layout: format byte, iv, tag, ciphertext.
function encrypt(dataKey: Uint8Array, plaintext: string, aad: Aad): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, dataKey, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(encodeAad(aad));
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return new Uint8Array(Buffer.concat([Buffer.of(FORMAT), iv, cipher.getAuthTag(), body]));
}

function decrypt(dataKey: Uint8Array, sealed: Uint8Array, aad: Aad): string {
  if (sealed.length < HEADER_BYTES) throw new EnvelopeError('malformed', 'The ciphertext is too short.');
  if (sealed[0] !== FORMAT) throw new EnvelopeError('malformed', 'The ciphertext has an unknown format.');
  const iv = sealed.subarray(1, 1 + IV_BYTES);
  const decipher = createDecipheriv(CIPHER, dataKey, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(encodeAad(aad));
  decipher.setAuthTag(sealed.subarray(1 + IV_BYTES, HEADER_BYTES));
  const body = decipher.update(sealed.subarray(HEADER_BYTES));
  try {
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  } catch {
    throw new EnvelopeError(
      'tampered',
      `${aad.table}.${aad.column} does not hold what was sealed for this row and version.`,
    );
  }
}

// A JSON array, so that its parts cannot run into each other. It includes the format, so that nobody can change that
// either.
function encodeAad({ table, column, row, version }: Aad): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, table, column, row, version]), 'utf8');
}
