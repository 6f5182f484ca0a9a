/** The store cannot provide the file: it does not exist (`missing`), or its upload is not complete (`unfinished`). */
export class MediaUnavailable extends Error {
  readonly code: 'missing' | 'unfinished';

  constructor(code: 'missing' | 'unfinished', key: string) {
    super(code === 'missing' ? `There is no media "${key}".` : `The upload of media "${key}" has not ended.`);
    this.name = 'MediaUnavailable';
    this.code = code;
  }
}

/** `missing`: no folder, or no mark in it; `foreign`: another installation's folder. */
export type TroubleCode = 'missing' | 'foreign' | 'read_only' | 'full';

const TROUBLES: Readonly<Record<TroubleCode, string>> = {
  missing:
    'The media folder is missing, or is not the one that the servers use: it does not have this installation’s mark. Mount it (docs/operations.md, "Media").',
  foreign: 'The media folder belongs to another installation. Set EVERPOST_MEDIA to the folder of this one.',
  read_only: 'The media folder cannot be written to. Check its owner and its mount options.',
  full: 'The media folder is full. Free some space, or set EVERPOST_MEDIA_RETENTION.',
};

/** A problem with the whole store that an operator must fix. The message describes it without naming a path. */
export class StoreTrouble extends Error {
  override readonly name = 'StoreTrouble';
  readonly code: TroubleCode;

  constructor(code: TroubleCode, cause?: unknown) {
    super(TROUBLES[code], { cause });
    this.code = code;
  }
}

const TROUBLE_OF: Readonly<Record<string, TroubleCode>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  // A file size limit (ulimit -f).
  EFBIG: 'full',
  EROFS: 'read_only',
  EACCES: 'read_only',
  EPERM: 'read_only',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ESTALE: 'missing',
  ENODEV: 'missing',
};

/** Turns a failed write into a problem of the store, if its code implies one; returns every other error unchanged. */
export function troubleOf(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? TROUBLE_OF[String(error.code)] : undefined;
  return code === undefined ? error : new StoreTrouble(code, error);
}

/**
 * Why we cannot publish a file. Stable: clients see it. `empty`: no bytes; `unreadable`: an unknown format, or damaged;
 * `truncated`: its end is missing; `unsupported`: another kind of media; `claims_mismatch`: another size than
 * announced; `unexaminable`: parsing it takes too much time or memory.
 */
export type MediaRejection =
  'empty' | 'unreadable' | 'truncated' | 'unsupported' | 'claims_mismatch' | 'unexaminable';

/** The file itself is at fault; a retry changes nothing. The message is a sentence for the client. */
export class MediaRejected extends Error {
  readonly code: MediaRejection;

  constructor(code: MediaRejection, message: string) {
    super(message);
    this.name = 'MediaRejected';
    this.code = code;
  }
}
