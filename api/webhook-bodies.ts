import type { IncomingMessage } from 'node:http';
import { apiError } from './errors.ts';

/*
 * Bodies of webhooks are gathered before it is known who has sent them. What they may take of the memory is bounded: so
 * many at once, each up to 64 KiB, and one room for all that is longer. So long ones never keep short ones out.
 */

const AT_ONCE = 1_000;
const SHORT = 65_536;
const ROOM_FOR_LONG = 64 * 1_048_576;

let underWay = 0;
let room = ROOM_FOR_LONG;

/**
 * The bytes of a body.
 * @param largest in bytes
 * @throws ApiError `body_too_large`, `overloaded`, or `invalid_request` where it ends too early
 */
export async function readWebhookBody(payload: IncomingMessage, largest: number): Promise<Buffer> {
  if (Number(payload.headers['content-length'] ?? 0) > largest) throw apiError('body_too_large');
  if (underWay >= AT_ONCE) throw apiError('overloaded');
  underWay += 1;
  let taken = 0;
  try {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of partsOf(payload)) {
      size += part.length;
      if (size > largest) throw apiError('body_too_large');
      const more = Math.max(0, size - SHORT - taken);
      if (more > room) throw apiError('overloaded');
      room -= more;
      taken += more;
      parts.push(part);
    }
    return Buffer.concat(parts, size);
  } finally {
    underWay -= 1;
    room += taken;
  }
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
