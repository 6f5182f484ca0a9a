import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MediaUnavailable } from './errors.ts';
import { leaveMark, troubleWith } from './mark.ts';
import type { MediaStore } from './store.ts';
import { UploadNotes, UploadStore } from './upload-store.ts';

// No dots and slashes: a key can neither leave the directory nor name the notes (`<key>.json`) of another upload.
const KEY = /^[A-Za-z0-9_-]{1,128}$/;

const PART_BYTES = 1_048_576;

/** A media store in a directory, with each file's tus notes beside it. */
export function diskStore(directory: string): MediaStore {
  const root = resolve(directory);
  const uploads = new UploadNotes(root);

  function pathOf(key: string): string {
    if (!KEY.test(key)) throw new MediaUnavailable('missing', key);
    return join(root, key);
  }

  return {
    async open(key) {
      const { size } = await stat(pathOf(key)).catch((error: unknown) => {
        throw isMissing(error) ? new MediaUnavailable('missing', key) : error;
      });
      const upload = await uploads.get(key);
      if (upload && upload.size !== size) throw new MediaUnavailable('unfinished', key);
      return size;
    },

    read(key, options) {
      return createReadStream(pathOf(key), options);
    },

    async *parts(key, { start = 0, end = Infinity, signal } = {}) {
      const file = await open(pathOf(key));
      try {
        let memory = Buffer.allocUnsafeSlow(PART_BYTES);
        for (let at = start; at <= end;) {
          signal?.throwIfAborted();
          const { bytesRead } = await file.read(memory, 0, Math.min(memory.length, end - at + 1), at);
          if (bytesRead === 0) return;
          yield memory.subarray(0, bytesRead);
          at += bytesRead;
          // A socket may still hold a small part when it asks for the next one.
          if (bytesRead < memory.length) memory = Buffer.allocUnsafeSlow(PART_BYTES);
        }
      } finally {
        await file.close();
      }
    },

    async remove(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
      await rm(`${path}.json`, { force: true });
    },

    mark: (installation, sample) => leaveMark(root, installation, sample),
    trouble: (installation) => troubleWith(root, installation),
    tusStore: (options) => new UploadStore(pathOf, uploads, options),
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
