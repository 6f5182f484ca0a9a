/** Limits concurrent inspections, to one per user: a user's hostile files delay nobody else. */
export interface Gate {
  /**
   * Runs `work` as soon as there is room.
   * @returns null if the queue is full: try again later
   */
  pass<T>(userId: string, work: () => Promise<T>): Promise<T | null>;
}

interface Waiting {
  userId: string;
  enter: () => void;
}

/**
 * @param atOnce how many may run at once
 * @param mostWaiting how many may wait
 */
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
