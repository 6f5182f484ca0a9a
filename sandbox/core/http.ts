import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Fault } from './faults.ts';

export interface Call {
  url: URL;
  /** The values of the parameters in the route's path. */
  params: Record<string, string>;
  headers: IncomingHttpHeaders;
  /** The body as text; empty for a route that streams. */
  text: string;
  incoming: IncomingMessage;
  fault: Fault | undefined;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface Route {
  /** `*` for any. */
  method: string;
  /** May have parameters: `/{version}/{id}/media`; `{rest*}` is the rest of the path. */
  path: string;
  /** The name that faults and the request log use. */
  endpoint: string;
  /** A finer name for faults, as in `oauth.token:refresh_token`. */
  variant?: (call: Call) => string | null;
  /** Whose token the request has, by the provider's own id; for counting calls and for faults of one account. */
  account?: (call: Call) => string | null;
  streams?: true;
  /** The error body of this endpoint's class, for forced errors. */
  errorBody?: (code: string, message: string) => string;
  handle: (call: Call) => Reply | Promise<Reply>;
}

/** A definite refusal; any code below a route may throw it. */
export class Refusal extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`refused with ${reply.status}`);
    this.reply = reply;
  }
}

export class ClientGone extends Error {}

export function json(status: number, body: string, headers: Record<string, string> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body };
}

export function html(status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}

export function redirect(to: URL): Reply {
  return { status: 302, headers: { location: to.href } };
}

export function isForm(headers: IncomingHttpHeaders): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
}

export function isJson(headers: IncomingHttpHeaders): boolean {
  return /^application\/json\b/i.test(headers['content-type'] ?? '');
}

const MAX_BODY_BYTES = 2_000_000;

export async function readText(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of bytesOf(incoming)) {
      size += part.length;
      if (size > MAX_BODY_BYTES) throw new Refusal({ status: 413 });
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new ClientGone('the client left while sending its body', { cause: error });
  }
  return Buffer.concat(parts).toString('utf8');
}

export function bytesOf(incoming: IncomingMessage): AsyncIterable<Buffer> {
  return incoming;
}

/** Most clients would see an answer before the end of the body as a broken pipe. */
export async function drain(incoming: IncomingMessage): Promise<void> {
  try {
    for await (const _ of bytesOf(incoming));
  } catch (error) {
    throw new ClientGone('the client left while sending its body', { cause: error });
  }
}
