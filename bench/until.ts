import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls until there is an answer that is not null.
 * @throws Error that names the condition
 */
export async function until<T>(what: string, ms: number, ask: () => Promise<T | null>): Promise<T> {
  const end = Date.now() + ms;
  do {
    const answer = await ask();
    if (answer !== null) return answer;
    await sleep(100);
  } while (Date.now() < end);
  throw new Error(`waited ${ms / 1000} s in vain for ${what}`);
}
