import { memzero } from 'libsodium-wrappers';
import { deriveKeyHex } from '../crypto/derived-keys.ts';
import { EnvelopeError } from '../crypto/errors.ts';
import { thisInstallation } from '../db/installation.ts';
import type { Deps } from './deps.ts';

/**
 * The key from which `identityOf` derives ids and secrets. It belongs to the installation, not to a setting: changing
 * the admin key or the active key of the keyring does not affect it. It is read once; a failed read is retried.
 * @throws EnvelopeError if no key of the keyring opens it
 */
export function identityKey(deps: Deps): () => Promise<string> {
  let reading: Promise<string> | null = null;
  return () => {
    reading ??= readKey(deps).catch((error: unknown) => {
      reading = null;
      throw error;
    });
    return reading;
  };
}

/** The key; null if no key of the keyring opens it. */
export async function identityKeyOrNull(read: () => Promise<string>): Promise<string | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof EnvelopeError) return null;
    throw error;
  }
}

async function readKey({ database: { db }, keys }: Deps): Promise<string> {
  const row = await thisInstallation(db, (secret) => keys.wrap(secret));
  const secret = await keys.unwrap(row.kekId, row.secretWrapped);
  try {
    return deriveKeyHex(secret, 'identities');
  } finally {
    memzero(secret);
  }
}
