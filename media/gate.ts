/** Lets a few inspections run at once, no two of one user: a user's hostile files hold up nobody else's. */
export interface Gate {
  /**
   * Runs `work` when there is room.
   * @returns null when too many wait already: ask again later
   */
  pass<T>(userId: string, work: () => Promise<T>): Promise<T | null>;
}

interface Waiting {
  userId: string;
  enter: () => void;
}

/** @param atOnce how many run at once; @param mostWaiting how many wait for their turn */
export function createGate(atOnce: number, mostWaiting: number): Gate {
  const inside = new Set<string>();
  const waiting: Waiting[] = [];

  const hasRoom = (userId: string): boolean => inside.size < atOnce && !inside.has(userId);

  function letNextIn(): void {
    const next = waiting.findIndex(({ userId }) => hasRoom(userId));
    const [entering] = next === -1 ? [] : waiting.splice(next, 1);
    entering?.enter();
  }

  return {
    async pass(userId, work) {
      if (!hasRoom(userId)) {
        if (waiting.length >= mostWaiting) return null;
        await new Promise<void>((enter) =>
          waiting.push({ userId, enter: () => (inside.add(userId), enter()) }),
        );
      }
      inside.add(userId);
      try {
        return await work();
      } finally {
        inside.delete(userId);
        letNextIn();
      }
    },
  };
}
