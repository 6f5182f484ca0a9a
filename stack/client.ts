import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

/* The API client of dev, demo, chaos, bench and tests. */

// What is read of answers; those who read it compare it.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

const Envelope = Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) });

/** An answer that is not 2xx. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(request: string, { status, text, body }: Answer) {
    const error = Value.Check(Envelope, body) ? body.error : { code: 'unknown', message: text.slice(0, 300) };
    super(`${request} answered ${status} ${error.code}: ${error.message}`);
    this.status = status;
    this.code = error.code;
  }
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Null if the text is not JSON. */
  body: Json;
}

export interface Init {
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Another key than the client's; null: none. */
  key?: string | null | undefined;
}

export interface Api {
  /** @returns any answer, whatever its status. @param path or a URL */
  call(method: string, path: string, init?: Init): Promise<Answer>;
  /** @throws ApiError unless the answer is 2xx, Error if it does not match the schema */
  get<S extends TSchema>(path: string, schema: S): Promise<Static<S>>;
  /** @throws ApiError unless the answer is 2xx, Error if it does not match the schema */
  post<S extends TSchema>(path: string, body: object, schema: S): Promise<Static<S>>;
}

const PATIENCE_MS = 30_000;

/** @param patienceMs how long to wait for an answer */
export function createApi(baseUrl: string, bearer?: string, patienceMs = PATIENCE_MS): Api {
  async function call(method: string, path: string, init: Init = {}): Promise<Answer> {
    const { body, key = bearer } = init;
    const response = await fetch(path.startsWith('http') ? path : baseUrl + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(key == null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...init.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  }

  async function expected<S extends TSchema>(
    method: string,
    path: string,
    schema: S,
    body?: object,
  ): Promise<Static<S>> {
    const answer = await call(method, path, { body });
    if (answer.status < 200 || answer.status >= 300) throw new ApiError(`${method} ${path}`, answer);
    const value: unknown = answer.body;
    if (Value.Check(schema, value)) return value;
    throw new Error(`${method} ${path} answered what was not expected: ${answer.text.slice(0, 300)}`);
  }

  return {
    call,
    get: (path, schema) => expected('GET', path, schema),
    post: (path, body, schema) => expected('POST', path, schema, body),
  };
}

/** Null if the text is not JSON. */
export function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
