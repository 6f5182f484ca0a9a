import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls until there is an answer that is not null.
 * @throws Error that names the condition, after two minutes
 */
export async function until<T>(what: string, ask: () => Promise<T | null>, ms = 120_000): Promise<T> {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const answer = await ask();
    if (answer !== null) return answer;
    await sleep(200);
  }
  throw new Error(`waited in vain for ${what}`);
}
