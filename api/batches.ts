import { setTimeout as sleep } from 'node:timers/promises';

/** A batch that takes longer no longer blocks the next: a single connection may hang. */
const LATE_MS = 50;

/**
 * Gathers calls while the previous batch is running, so that a burst needs few statements and a single call never
 * waits. If a batch fails, each of its calls is retried alone: none fails because of another.
 *
 * @param run processes the items of one batch, all or nothing
 * @returns a function that settles as its own items did
 */
export function batched<T>(
  run: (items: readonly T[]) => Promise<void>,
): (items: readonly T[]) => Promise<void> {
  interface Part extends PromiseWithResolvers<void> {
    items: readonly T[];
  }
  let gathered: Part[] = [];
  let running = false;

  async function runTogether(parts: readonly Part[]): Promise<void> {
    try {
      await run(parts.flatMap(({ items }) => items));
      for (const part of parts) part.resolve();
    } catch (error) {
      if (parts.length > 1) await Promise.all(parts.map((part) => runTogether([part])));
      else for (const part of parts) part.reject(error);
    }
  }

  async function runAll(): Promise<void> {
    running = true;
    while (gathered.length > 0) {
      const parts = gathered;
      gathered = [];
      await Promise.race([runTogether(parts), sleep(LATE_MS, undefined, { ref: false })]);
    }
    running = false;
  }

  return (items) => {
    const part = { items, ...Promise.withResolvers<void>() };
    gathered.push(part);
    if (!running) void runAll();
    return part.promise;
  };
}
