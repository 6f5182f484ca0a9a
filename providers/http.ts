import { type Dispatcher, errors, request } from 'undici';
import { MINUTE } from '../durations.ts';
import { dispatcherFor } from './proxies.ts';
import { cleanJson } from './clean.ts';

/** Codes of requests that never reached the provider: nothing can have happened there. */
const NOT_SENT = new Set([
  'REFUSED_BY_PROXY',
  'UND_ERR_PRX_TLS',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Time limit of a whole request, unless the caller sets one. */
const TOTAL_MS = MINUTE;
/** A longer answer is not an API answer. */
const MAX_ANSWER_BYTES = 4_000_000;

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  /** An iterable is asked for its next part once the socket has taken the previous one. */
  body?: string | AsyncIterable<Uint8Array>;
  /** Aborts the request when the activity is cancelled. */
  signal: AbortSignal;
  totalMs?: number;
}

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

/** No answer came. Says whether the provider may have seen the request; never contains any of it. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  /** False: the request never reached the provider. */
  readonly sent: boolean;
  /** The answer was too long to be read. */
  readonly tooLong: boolean;

  constructor(sent: boolean, code: string, tooLong = false) {
    super(sent ? `the answer was lost (${code})` : `the provider was not reached (${code})`);
    this.sent = sent;
    this.tooLong = tooLong;
  }
}

/**
 * One request, one answer: no retry, no redirect, limited in time and size.
 * @throws HttpFailure if no complete answer came
 */
export async function http(call: HttpRequest): Promise<HttpAnswer> {
  try {
    const { statusCode, headers, body } = await request(call.url, {
      method: call.method,
      headers: { 'user-agent': 'everpost', ...call.headers },
      // undici accepts an iterable, but its types do not.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      body: (call.body ?? null) as NonNullable<Dispatcher.RequestOptions['body']> | null,
      dispatcher: dispatcherFor(call.url),
      signal: AbortSignal.any([call.signal, AbortSignal.timeout(call.totalMs ?? TOTAL_MS)]),
    });
    let text = '';
    const decoder = new TextDecoder();
    const parts: AsyncIterable<Uint8Array> = body;
    for await (const part of parts) {
      text += decoder.decode(part, { stream: true });
      if (text.length > MAX_ANSWER_BYTES) throw new HttpFailure(true, 'answer too long', true);
    }
    return { status: statusCode, headers, text: text + decoder.decode() };
  } catch (error) {
    if (error instanceof HttpFailure) throw error;
    const code = codeOf(error);
    throw new HttpFailure(!NOT_SENT.has(code), code);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof errors.RequestAbortedError && error.message.startsWith('Proxy response ('))
    return 'REFUSED_BY_PROXY';
  if (error instanceof errors.UndiciError) return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  if (error instanceof Error)
    return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return 'unknown';
}

/**
 * Cleans and parses JSON without losing digits: an integer that a double cannot hold becomes a string (provider ids
 * above 2^53 occur, tiktok-facts 1.5).
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const clean = cleanJson(text);
  return MAY_BE_UNSAFE.test(clean) ? JSON.parse(clean, exactly) : JSON.parse(clean);
}

/** Every integer with fewer digits fits into a double; a reviver is slow. */
const MAY_BE_UNSAFE = /\d{16}/;

function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  const unsafe = typeof value === 'number' && !Number.isSafeInteger(value);
  return unsafe && /^-?\d+$/.test(context?.source ?? '') ? context?.source : value;
}

declare global {
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): value is { readonly rawJSON: string };
  }
}

/**
 * Cleans and parses JSON that will be written again: a number that would not survive the round trip keeps its text.
 * @throws SyntaxError
 */
export function parseVerbatim(text: string): unknown {
  return JSON.parse(cleanJson(text), verbatim);
}

function verbatim(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source ?? '';
  return typeof value === 'number' && JSON.stringify(value) !== source ? JSON.rawJSON(source) : value;
}
