import { memzero } from 'libsodium-wrappers';
import { EnvelopeError } from './errors.ts';
import type { KeyProvider } from './keys.ts';

/** A data key as stored: the id of the key-encryption key, and the bytes that this key wrapped. */
export interface WrappedKey {
  keyId: string;
  wrapped: Uint8Array;
}

interface Entry {
  unwrapping: Promise<Uint8Array>;
  dataKey?: Uint8Array;
  users: number;
  evicted: boolean;
  expiry: NodeJS.Timeout;
}

const DATA_KEY_BYTES = 32;

/**
 * Caches unwrapped data keys: at most `maxKeys`, each for `ttlMs` milliseconds; evicts the least recently used first.
 * An evicted key is wiped as soon as it is no longer in use.
 */
export function dataKeyCache(keys: KeyProvider, maxKeys: number, ttlMs: number) {
  // A Map keeps insertion order: the first entry is the least recently used.
  const entries = new Map<string, Entry>();
  let closed = false;

  function wipeIfIdle(entry: Entry): void {
    if (entry.evicted && entry.users === 0 && entry.dataKey) memzero(entry.dataKey);
  }

  function evict(name: string, entry: Entry): void {
    if (entry.evicted) return;
    entry.evicted = true;
    entries.delete(name);
    clearTimeout(entry.expiry);
    wipeIfIdle(entry);
  }

  function load(name: string, key: WrappedKey): Entry {
    const entry: Entry = {
      unwrapping: unwrap(keys, key),
      users: 0,
      evicted: false,
      expiry: setTimeout(() => evict(name, entry), ttlMs).unref(),
    };
    return entry;
  }

  return {
    /**
     * Calls `use` with the unwrapped key, which stays intact until `use` returns. `use` is synchronous and must not
     * keep it.
     */
    async withDataKey<T>(key: WrappedKey, use: (dataKey: Uint8Array) => T): Promise<T> {
      if (closed) throw new Error('The envelope is closed.');
      const name = nameOf(key);
      const entry = entries.get(name) ?? load(name, key);
      entry.users += 1;
      entries.delete(name);
      entries.set(name, entry);
      for (const [oldName, old] of entries) {
        if (entries.size <= maxKeys) break;
        evict(oldName, old);
      }
      try {
        entry.dataKey = await entry.unwrapping;
        return use(entry.dataKey);
      } catch (error) {
        // A failed unwrap fails all callers that wait for it; the next caller tries again.
        if (!entry.dataKey) evict(name, entry);
        throw error;
      } finally {
        entry.users -= 1;
        wipeIfIdle(entry);
      }
    },

    forget(key: WrappedKey): void {
      const name = nameOf(key);
      const entry = entries.get(name);
      if (entry) evict(name, entry);
    },

    close(): void {
      closed = true;
      for (const [name, entry] of entries) evict(name, entry);
    },
  };
}

function nameOf(key: WrappedKey): string {
  return JSON.stringify([key.keyId, Buffer.from(key.wrapped).toString('base64')]);
}

async function unwrap(keys: KeyProvider, key: WrappedKey): Promise<Uint8Array> {
  const dataKey = await keys.unwrap(key.keyId, key.wrapped);
  if (dataKey.length !== DATA_KEY_BYTES) {
    memzero(dataKey);
    throw new EnvelopeError(
      'malformed',
      `The data key has ${dataKey.length} bytes instead of ${DATA_KEY_BYTES}.`,
    );
  }
  return dataKey;
}
