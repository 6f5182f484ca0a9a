import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { Reply } from './http.ts';

/** How a request ends: with a reply, perhaps a spoilt one, or without an answer. */
export type Outcome =
  'drop' | 'reset' | { reply: Reply; spoilt?: Pick<Fault, 'kind' | 'bytes' | 'ms'> | undefined };

/** Writes the outcome to the connection. `closing` ends a body that trickles. */
export async function send(response: ServerResponse, outcome: Outcome, closing: AbortSignal): Promise<void> {
  if (outcome === 'drop') return void response.socket?.destroy();
  if (outcome === 'reset') return void response.socket?.resetAndDestroy();
  const { reply, spoilt } = outcome;
  const body = Buffer.from(reply.body ?? '');
  switch (spoilt?.kind) {
    case 'truncated':
      return truncate(response, reply, body);
    case 'cut':
      return whole(response, reply, body.subarray(0, Math.floor(body.length / 2)));
    case 'trickle':
      return trickle(response, reply, body, spoilt, closing);
    default:
      return whole(response, reply, body);
  }
}

function start(response: ServerResponse, { status, headers }: Reply, length: number): void {
  response.writeHead(status, { ...headers, 'content-length': length });
}

function whole(response: ServerResponse, reply: Reply, body: Buffer): void {
  start(response, reply, body.length);
  response.end(body);
}

function truncate(response: ServerResponse, reply: Reply, body: Buffer): void {
  start(response, reply, Math.max(body.length, 1));
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}

/** A few bytes at a time, until the body is whole or the client has gone. */
async function trickle(
  response: ServerResponse,
  reply: Reply,
  body: Buffer,
  { bytes, ms }: Pick<Fault, 'bytes' | 'ms'>,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([closing, gone.signal]);
  start(response, reply, body.length);
  response.flushHeaders();
  for (let at = 0; at < body.length; at += bytes) {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return void response.destroy();
    response.write(body.subarray(at, at + bytes));
  }
  response.end();
}
