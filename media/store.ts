import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { DataStore } from '@tus/server';
import { diskStore } from './disk.ts';
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

/**
 * Opens the store that a URL names: `file:/absolute/path`, `file:relative/path` (from the working directory).
 * Throws an Error that says what to write instead.
 */
export function openMediaStore(url: string): MediaStore {
  return diskStore(mediaDirectory(url));
}

/**
 * The directory that the URL of a media store names.
 * @throws Error that says what to write instead
 */
export function mediaDirectory(url: string): string {
  const [scheme = '', rest = ''] = url.split(/:(.*)/s);
  switch (scheme) {
    case 'file':
      return directoryOf(url, rest);
    case 's3':
      throw new Error(
        'Media in S3 is not supported yet: use a file: URL, such as file:/var/lib/everpost/media.',
      );
    default:
      throw new Error('A media store is a file: URL, such as file:/var/lib/everpost/media.');
  }
}

function directoryOf(url: string, rest: string): string {
  if (rest === '') throw new Error('The file: URL of the media store names no directory.');
  if (!rest.startsWith('//')) return rest;
  if (!rest.startsWith('///')) throw new Error('The file: URL of the media store must not name a host.');
  return fileURLToPath(url);
}
