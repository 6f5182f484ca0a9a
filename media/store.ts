import type { Readable } from 'node:stream';
import type { DataStore } from '@tus/server';
import type { StoreTrouble } from './errors.ts';

export { MediaUnavailable, StoreTrouble, troubleOf } from './errors.ts';

interface ReadOptions {
  /** First byte, 0 by default. */
  start?: number;
  /** Last byte, inclusive; the end of the file by default. */
  end?: number;
  /** Ends the stream early, with an AbortError. */
  signal?: AbortSignal;
}

export interface TusOptions {
  /** How long an unfinished upload may be resumed after its creation, in milliseconds; forever by default. */
  expiresInMs?: number;
}

/**
 * Stores the uploaded files. Opening a store creates nothing. A key is the tus upload id: letters, digits, "_" and "-".
 */
export interface MediaStore {
  /** The size of a complete file in bytes. Throws MediaUnavailable: `missing`, `unfinished`. */
  open(key: string): Promise<number>;
  /** Streams a range of a file, both ends inclusive. Failures come as the stream's error. */
  read(key: string, options?: ReadOptions): Readable;
  /**
   * Yields a range of a file, both ends inclusive, in parts that share one buffer: a part is valid until the next one
   * is requested. A buffer for each part would keep the garbage collector busy for as long as a large file is sent.
   */
  parts(key: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Deletes a file, complete or not, and its notes. Deleting a missing file is no error. */
  remove(key: string): Promise<void>;
  /**
   * Creates the store, if needed, and leaves an installation's mark in it.
   * @param sample a file that must exist if the store was used before marks existed
   * @throws StoreTrouble `foreign`, `missing` without the sample, or for the system's refusal
   */
  mark(installation: string, sample: string | null): Promise<void>;
  /** The store's problem, seen by an installation; null if there is none. */
  trouble(installation: string): Promise<StoreTrouble | null>;
  /**
   * The data store for a tus server; uploads resume after a restart. Its `deleteExpired` deletes only unfinished
   * uploads.
   */
  tusStore(options?: TusOptions): DataStore;
}
