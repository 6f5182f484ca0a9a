/** A time limit that several steps share. */
export interface Deadline {
  /** The remaining milliseconds, at most `most`. */
  left(most?: number): number;
}

export function deadlineIn(ms: number): Deadline {
  const end = performance.now() + ms;
  return { left: (most = ms) => Math.max(0, Math.floor(Math.min(most, end - performance.now()))) };
}
