import { createReadStream, mkdirSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FileConfigstore, FileStore } from '@tus/file-store';
import { ERRORS } from '@tus/server';
import { MediaUnavailable } from './errors.ts';
import type { MediaStore, TusOptions } from './store.ts';

// No dots and slashes: a key can neither leave the directory nor name the notes (`<key>.json`) of another upload.
const KEY = /^[A-Za-z0-9_-]{1,128}$/;

const PART_BYTES = 1_048_576;

/** A media store in a directory, which is made if needed: each file with the notes of its tus upload beside it. */
export function diskStore(directory: string): MediaStore {
  const root = resolve(directory);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const uploads = new FileConfigstore(root);

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
          // A socket may keep a small part while it asks for the next.
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

    tusStore: (options) => new UploadStore(root, uploads, options),
  };
}

class UploadStore extends FileStore {
  constructor(directory: string, configstore: FileConfigstore, { expiresInMs = 0 }: TusOptions = {}) {
    super({ directory, configstore, expirationPeriodInMilliseconds: expiresInMs });
  }

  // FileStore compares the size with the offset in its notes, which stays 0, and so deletes finished files too.
  override async deleteExpired(): Promise<number> {
    if (this.getExpiration() === 0) return 0;
    const createdBefore = Date.now() - this.getExpiration();
    let deleted = 0;
    for (const id of (await this.configstore.list?.()) ?? []) {
      try {
        const upload = await this.getUpload(id);
        const expired = Date.parse(upload.creation_date ?? '') < createdBefore;
        if (!expired || upload.offset === upload.size) continue;
        await this.remove(id);
        deleted += 1;
      } catch (error) {
        if (error !== ERRORS.FILE_NOT_FOUND && error !== ERRORS.FILE_NO_LONGER_EXISTS) throw error;
      }
    }
    return deleted;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
