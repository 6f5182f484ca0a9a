import { parseKeyring, type Keyring } from '../crypto/keys.ts';
import type { Reader } from './reader.ts';

/** Too long to guess, and only characters that a bearer token may have. */
const ADMIN_KEY = /^[\x21-\x7e]{32,}$/;

export function readAdminKey({ value, problem }: Reader<'EVERPOST_ADMIN_KEY'>): string {
  const key = value('EVERPOST_ADMIN_KEY');
  if (!ADMIN_KEY.test(key))
    problem(
      'EVERPOST_ADMIN_KEY must be set to at least 32 characters without spaces (make one: openssl rand -hex 32)',
    );
  return key;
}

/** @returns null if there is a problem */
export function readKeyring({ value, problem }: Reader<'EVERPOST_KEYRING'>): Keyring | null {
  try {
    return parseKeyring(value('EVERPOST_KEYRING'));
  } catch (error) {
    problem(`EVERPOST_KEYRING: ${error instanceof Error ? error.message : 'unreadable'}`);
    return null;
  }
}
