import { randomInt } from 'node:crypto';
import { request } from 'undici';
import type { Core } from '../core/core.ts';

/**
 * The subscription handshake: the receiver must answer 200 with the bare challenge (instagram-facts 8.1). Returns the
 * problem, or null.
 */
async function handshake(url: string, verifyToken: string, closing: AbortSignal): Promise<string | null> {
  const challenge = String(randomInt(1_000_000_000, 2_000_000_000));
  const target = new URL(url);
  target.searchParams.set('hub.mode', 'subscribe');
  target.searchParams.set('hub.challenge', challenge);
  target.searchParams.set('hub.verify_token', verifyToken);
  try {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(10_000)]);
    const { statusCode, body } = await request(target, { signal });
    const text = await body.text();
    if (statusCode !== 200) return `handshake: HTTP ${statusCode}`;
    return text === challenge ? null : 'handshake: the answer is not the challenge';
  } catch (error) {
    return `handshake: ${error instanceof Error ? error.message : 'unknown error'}`;
  }
}

export type Verify = (url: string) => Promise<string | null>;

/**
 * The problem of a callback URL, or null. A URL that passed is not checked again, and no URL is checked twice at once.
 */
export function createVerify(
  { closing }: Core,
  app: { verifyToken: string | null },
  state: { verifiedUrl: string | null },
): Verify {
  const running = new Map<string, Promise<string | null>>();

  async function shake(url: string): Promise<string | null> {
    const problem = await handshake(url, app.verifyToken ?? '', closing);
    if (problem === null) state.verifiedUrl = url;
    running.delete(url);
    return problem;
  }

  return async (url) => {
    if (state.verifiedUrl === url) return null;
    const pending = running.get(url) ?? shake(url);
    running.set(url, pending);
    return pending;
  };
}
