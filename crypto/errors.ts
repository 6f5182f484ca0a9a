/** What a caller can do next: find the missing key, raise an alarm, or look for a bug in whoever wrote the bytes. */
export type EnvelopeErrorCode = 'unknown_key' | 'tampered' | 'malformed';

/** The only error of this room that depends on data. Its message never holds a plaintext or a key. */
export class EnvelopeError extends Error {
  readonly code: EnvelopeErrorCode;

  constructor(code: EnvelopeErrorCode, message: string) {
    super(message);
    this.name = 'EnvelopeError';
    this.code = code;
  }
}
