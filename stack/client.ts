import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

const Envelope = Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) });

/** An answer that is not 2xx. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(request: string, status: number, text: string) {
    const body = parsed(text);
    const error = Value.Check(Envelope, body) ? body.error : { code: 'unknown', message: text.slice(0, 300) };
    super(`${request} answered ${status} ${error.code}: ${error.message}`);
    this.status = status;
    this.code = error.code;
  }
}

export interface Api {
  get<S extends TSchema>(path: string, schema: S): Promise<Static<S>>;
  post<S extends TSchema>(path: string, body: object, schema: S): Promise<Static<S>>;
}

/** Everpost's own API, or the sandbox's: JSON in and out. */
export function createApi(baseUrl: string, bearer?: string): Api {
  async function call<S extends TSchema>(
    method: string,
    path: string,
    schema: S,
    body?: object,
  ): Promise<Static<S>> {
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new ApiError(`${method} ${path}`, response.status, text);
    const answer = parsed(text);
    if (Value.Check(schema, answer)) return answer;
    throw new Error(`${method} ${path} answered what was not expected: ${text.slice(0, 300)}`);
  }
  return {
    get: (path, schema) => call('GET', path, schema),
    post: (path, body, schema) => call('POST', path, schema, body),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
