import type { IncomingMessage } from 'node:http';
import { apiError } from './errors.ts';

/*
 * Webhook bodies are buffered before their sender is verified, so their memory is bounded: a maximum number at once,
 * each up to 64 KiB, and one shared budget for longer ones. So long bodies never keep short ones out. If a new body
 * finds no place, the slowest one loses its place: real events arrive within milliseconds, while attackers who hold
 * places send slowly.
 */

const AT_ONCE = 1_000;
const SHORT = 65_536;
const ROOM_FOR_LONG = 64 * 1_048_576;
/** Time limit of a body. */
const LONGEST_MS = 8_000;

/** A body that is arriving. */
class Coming {
  readonly since = performance.now();
  parts: Buffer[] = [];
  size = 0;
  /** Its share of the budget. */
  room = 0;
  readonly #givenUp = Promise.withResolvers<never>();
  /** Rejects when the body must give up its place. */
  readonly givenUp = this.#givenUp.promise;

  giveUp(code: 'overloaded' | 'request_timeout'): void {
    this.#givenUp.reject(apiError(code));
  }

  /** Bytes per millisecond. A short body's worth is added, so that a body that has just started counts as fast. */
  speed(now: number): number {
    return (this.size + SHORT) / Math.max(1, now - this.since);
  }
}

const coming = new Set<Coming>();
let room = ROOM_FOR_LONG;

/**
 * Reads the bytes of a body.
 * @param largest in bytes
 * @throws ApiError `body_too_large`, `overloaded`, `request_timeout`, or `invalid_request` if it ends too early
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
    // Another body has taken its place.
    if (!coming.has(body)) break;
    body.size += part.length;
    if (body.size > largest) throw apiError('body_too_large');
    takeRoom(body);
    if (coming.has(body)) body.parts.push(part);
  }
  return Buffer.concat(body.parts);
}

/** Reserves budget for a long body, if necessary from slower ones; if it is the slowest itself, it ends. */
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

/** Returns a body's budget, once. */
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
