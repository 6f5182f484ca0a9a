/** The store cannot hand out the file: it is not there (`missing`), or its upload has not ended (`unfinished`). */
export class MediaUnavailable extends Error {
  readonly code: 'missing' | 'unfinished';

  constructor(code: 'missing' | 'unfinished', key: string) {
    super(code === 'missing' ? `There is no media "${key}".` : `The upload of media "${key}" has not ended.`);
    this.name = 'MediaUnavailable';
    this.code = code;
  }
}

/**
 * Why a file is no media that we publish. Stable: clients see it.
 * `empty`: no bytes; `unreadable`: no known format, or a damaged one; `truncated`: its end is missing;
 * `unsupported`: media of another kind; `claims_mismatch`: not what the client said it would send;
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
