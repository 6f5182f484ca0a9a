/* Slices of a worker take turns: tenant by tenant, so that a tenant with many accounts keeps no other one waiting. */

export interface Turns {
  /** Runs `work` when it is its owner's turn. @throws when `signal` ends the wait */
  take<T>(owner: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** @param places so much work runs at one time */
export function createTurns(places: number): Turns {
  let free = places;
  /** Owners in the order of their turns; each one's work in the order in which it came. */
  const waiting = new Map<string, Set<() => void>>();

  function wait(owner: string, signal: AbortSignal): Promise<void> {
    const mine = waiting.get(owner) ?? new Set();
    waiting.set(owner, mine);
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        mine.delete(begin);
        if (mine.size === 0 && waiting.get(owner) === mine) waiting.delete(owner);
        reject(signal.reason);
      };
      mine.add(begin);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Hands a place to the next owner, who is the last one from then on. */
  function pass(): void {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    const [owner, theirs] = next;
    const [begin] = theirs;
    waiting.delete(owner);
    if (begin !== undefined) theirs.delete(begin);
    if (theirs.size > 0) waiting.set(owner, theirs);
    begin?.();
  }

  return {
    async take(owner, signal, work) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await wait(owner, signal);
      try {
        return await work();
      } finally {
        pass();
      }
    },
  };
}
