import type { IncomingMessage } from 'node:http';
import { apiError } from './errors.ts';

/*
 * Bodies of webhooks are gathered before it is known who has sent them. What they may take of the memory is bounded: so
 * many at once, each up to 64 KiB, and one room for all that is longer. So long ones never keep short ones out. Where a
 * new one finds no place, the slowest of all gives its place up: events come within milliseconds, while strangers who
 * hold places let their bodies wait.
 */

const AT_ONCE = 1_000;
const SHORT = 65_536;
const ROOM_FOR_LONG = 64 * 1_048_576;
/** How long a body may take to come. */
const LONGEST_MS = 8_000;

/** A body that is coming in. */
class Coming {
  readonly since = performance.now();
  parts: Buffer[] = [];
  size = 0;
  /** How much of the room it takes. */
  room = 0;
  readonly #givenUp = Promise.withResolvers<never>();
  /** Rejects when the body has to give its place up. */
  readonly givenUp = this.#givenUp.promise;

  giveUp(code: 'overloaded' | 'request_timeout'): void {
    this.#givenUp.reject(apiError(code));
  }

  /** Bytes in each millisecond; those of a short body are given in advance, so that one which has just begun is fast. */
  speed(now: number): number {
    return (this.size + SHORT) / Math.max(1, now - this.since);
  }
}

const coming = new Set<Coming>();
let room = ROOM_FOR_LONG;

/**
 * The bytes of a body.
 * @param largest in bytes
 * @throws ApiError `body_too_large`, `overloaded`, `request_timeout`, or `invalid_request` where it ends too early
 */
export async function readWebhookBody(payload: IncomingMessage, largest: number): Promise<Buffer> {
  if (Number(payload.headers['content-length'] ?? 0) > largest) throw apiError('body_too_large');
  if (coming.size >= AT_ONCE) endSlowest([...coming]);
  const body = new Coming();
  coming.add(body);
  const late = setTimeout(() => body.giveUp('request_timeout'), LONGEST_MS);
  try {
    return await Promise.race([gather(payload, body, largest), body.givenUp]);
  } finally {
    clearTimeout(late);
    end(body);
  }
}

async function gather(payload: IncomingMessage, body: Coming, largest: number): Promise<Buffer> {
  for await (const part of partsOf(payload)) {
    // Its place is another's now.
    if (!coming.has(body)) break;
    body.size += part.length;
    if (body.size > largest) throw apiError('body_too_large');
    takeRoom(body);
    if (coming.has(body)) body.parts.push(part);
  }
  return Buffer.concat(body.parts);
}

/** Takes the room that a long body needs, from slower ones where there is too little; the slowest itself is ended. */
function takeRoom(body: Coming): void {
  const more = Math.max(0, body.size - SHORT - body.room);
  if (more > room) {
    endSlowest([...coming].filter((one) => one === body || one.room > 0));
    if (coming.has(body)) takeRoom(body);
    return;
  }
  room -= more;
  body.room += more;
}

function endSlowest(bodies: readonly Coming[]): void {
  const now = performance.now();
  const slowest = bodies.reduce((one, other) => (other.speed(now) < one.speed(now) ? other : one));
  slowest.giveUp('overloaded');
  end(slowest);
}

/** Gives back what a body has taken, once. */
function end(body: Coming): void {
  if (!coming.delete(body)) return;
  room += body.room;
  body.parts = [];
}

async function* partsOf(payload: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    // The connection is still needed for the answer.
    const parts: AsyncIterable<Buffer> = payload.iterator({ destroyOnReturn: false });
    yield* parts;
  } catch (error) {
    throw apiError('invalid_request', { message: 'the body ended too early', cause: error });
  }
}
