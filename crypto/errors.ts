/** The caller's next step: find the missing key, raise an alarm, or look for a bug in the writer of the bytes. */
export type EnvelopeErrorCode = 'unknown_key' | 'tampered' | 'malformed';

/** The only error in crypto/ that depends on data. Its message never holds a plaintext or a key. */
export class EnvelopeError extends Error {
  readonly code: EnvelopeErrorCode;

  constructor(code: EnvelopeErrorCode, message: string) {
    super(message);
    this.name = 'EnvelopeError';
    this.code = code;
  }
}
