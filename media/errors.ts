/** The store cannot hand out the file: it is not there (`missing`), or its upload has not ended (`unfinished`). */
export class MediaUnavailable extends Error {
  readonly code: 'missing' | 'unfinished';

  constructor(code: 'missing' | 'unfinished', key: string) {
    super(code === 'missing' ? `There is no media "${key}".` : `The upload of media "${key}" has not ended.`);
    this.name = 'MediaUnavailable';
    this.code = code;
  }
}

/** `missing`: no folder, or one without the mark of this installation; `foreign`: the folder of another one. */
export type TroubleCode = 'missing' | 'foreign' | 'read_only' | 'full';

const TROUBLES: Readonly<Record<TroubleCode, string>> = {
  missing:
    'The media folder is missing, or is another one than the servers use: it has no mark of this installation. Mount it (docs/operations.md, "Media").',
  foreign: 'The media folder belongs to another installation. Set EVERPOST_MEDIA to the folder of this one.',
  read_only: 'The media folder cannot be written to. Look at its owner and how it is mounted.',
  full: 'The media folder is full. Make room, or set EVERPOST_MEDIA_RETENTION.',
};

/** Something is wrong with the store as a whole, for an operator to mend. The message says what, and names no path. */
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
  // A limit on the size of files (ulimit -f).
  EFBIG: 'full',
  EROFS: 'read_only',
  EACCES: 'read_only',
  EPERM: 'read_only',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ESTALE: 'missing',
  ENODEV: 'missing',
};

/** What the system's refusal to write says about the store; what it says nothing about comes back as it was. */
export function troubleOf(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? TROUBLE_OF[String(error.code)] : undefined;
  return code === undefined ? error : new StoreTrouble(code, error);
}

/**
 * Why a file is no media that we publish. Stable: clients see it.
 * `empty`: no bytes; `unreadable`: no known format, or a damaged one; `truncated`: its end is missing;
 * `unsupported`: media of another kind; `claims_mismatch`: of another size than the client announced;
 * `unexaminable`: a parser takes too much time or memory for it.
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
