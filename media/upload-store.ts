import { createWriteStream } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataStore, ERRORS, FileKvStore, Upload } from '@tus/server';
import { troubleOf } from './errors.ts';
import type { TusOptions } from './store.ts';

/** Each upload has a file of notes beside its bytes: the announced size, and when. */
export class UploadNotes extends FileKvStore {}

/**
 * Uploads in a directory. Unlike the tus project's own store it creates no directory (a missing one may be a missing
 * mount), says why a write failed (a full disk is not the client's fault), and never expires a complete file. Throws
 * the protocol's own refusals, StoreTrouble, and the system's errors.
 */
export class UploadStore extends DataStore {
  readonly #pathOf: (key: string) => string;
  readonly #notes: UploadNotes;
  readonly #expiresInMs: number;

  constructor(pathOf: (key: string) => string, notes: UploadNotes, { expiresInMs = 0 }: TusOptions = {}) {
    super();
    this.#pathOf = pathOf;
    this.#notes = notes;
    this.#expiresInMs = expiresInMs;
    this.extensions = ['creation', 'termination', 'expiration'];
  }

  override async create(upload: Upload): Promise<Upload> {
    const path = this.#pathOf(upload.id);
    try {
      await writeFile(path, '');
      await this.#notes.set(upload.id, upload);
    } catch (error) {
      throw troubleOf(error);
    }
    upload.storage = { type: 'file', path };
    return upload;
  }

  override async write(bytes: Readable, id: string, offset: number): Promise<number> {
    const file = createWriteStream(this.#pathOf(id), { flags: 'r+', start: offset });
    try {
      await pipeline(bytes, file);
    } catch (error) {
      throw troubleOf(error);
    }
    return offset + file.bytesWritten;
  }

  override async getUpload(id: string): Promise<Upload> {
    const noted = await this.#notes.get(id);
    // The protocol's refusals are plain objects.
    // oxlint-disable-next-line typescript/only-throw-error
    if (noted === undefined) throw ERRORS.FILE_NOT_FOUND;
    const { size, metadata, creation_date: created } = noted;
    const path = this.#pathOf(id);
    const found = await stat(path).catch(() => null);
    // oxlint-disable-next-line typescript/only-throw-error
    if (found === null) throw ERRORS.FILE_NO_LONGER_EXISTS;
    return new Upload({
      id,
      offset: found.size,
      storage: { type: 'file', path },
      ...(size === undefined ? {} : { size }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(created === undefined ? {} : { creation_date: created }),
    });
  }

  override async remove(id: string): Promise<void> {
    await this.getUpload(id);
    await rm(this.#pathOf(id), { force: true });
    await this.#notes.delete(id);
  }

  override getExpiration(): number {
    return this.#expiresInMs;
  }

  /** Deletes incomplete uploads that have expired. @returns their number */
  override async deleteExpired(): Promise<number> {
    if (this.#expiresInMs === 0) return 0;
    const createdBefore = Date.now() - this.#expiresInMs;
    let deleted = 0;
    for (const id of await this.#notes.list()) {
      const upload = await this.getUpload(id).catch(() => null);
      if (upload === null || upload.offset === upload.size) continue;
      if (Date.parse(upload.creation_date ?? '') >= createdBefore) continue;
      await this.remove(id);
      deleted += 1;
    }
    return deleted;
  }
}
