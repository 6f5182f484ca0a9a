/** Time that several steps share. */
export interface Deadline {
  /** How much of it is left, in milliseconds, up to `most`. */
  left(most?: number): number;
}

export function deadlineIn(ms: number): Deadline {
  const end = performance.now() + ms;
  return { left: (most = ms) => Math.max(0, Math.floor(Math.min(most, end - performance.now()))) };
}
