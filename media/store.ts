import type { Readable } from 'node:stream';
import type { DataStore } from '@tus/server';
import type { StoreTrouble } from './errors.ts';

export { MediaUnavailable, StoreTrouble, troubleOf } from './errors.ts';

interface ReadOptions {
  /** First byte, 0 by default. */
  start?: number;
  /** Last byte, included; the end of the file by default. */
  end?: number;
  /** Ends the stream early, with an AbortError. */
  signal?: AbortSignal;
}

export interface TusOptions {
  /** How long after its creation an unfinished upload may go on, in milliseconds; for ever by default. */
  expiresInMs?: number;
}

/** Where uploaded files are. Nothing is made by opening it. A key is the tus upload id: letters, digits, "_" and "-". */
export interface MediaStore {
  /** Size of a finished file in bytes. Throws MediaUnavailable: `missing`, `unfinished`. */
  open(key: string): Promise<number>;
  /** Streams a range of a file, both ends included. Failures come as the stream's error. */
  read(key: string, options?: ReadOptions): Readable;
  /**
   * The parts of a range of a file, both ends included, all in the same memory: a part is good until the next is asked
   * for. Memory of its own for each part would have a garbage collector at work for as long as a large file is sent.
   */
  parts(key: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Deletes a file, finished or not, and what belongs to it. Deleting what is not there is no error. */
  remove(key: string): Promise<void>;
  /**
   * Makes the store, if needed, and leaves the mark of an installation in it.
   * @param sample a file that the store must have, if it was used before marks existed
   * @throws StoreTrouble `foreign`, `missing` without the sample, or what the system refuses
   */
  mark(installation: string, sample: string | null): Promise<void>;
  /** What is wrong with the store as a whole, for an installation; null: nothing. */
  trouble(installation: string): Promise<StoreTrouble | null>;
  /** The data store for a tus server; uploads resume after a restart. Its `deleteExpired` deletes unfinished uploads only. */
  tusStore(options?: TusOptions): DataStore;
}
