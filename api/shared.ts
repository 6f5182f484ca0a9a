/**
 * Shares one result among all callers within `ms` of its start or while it is running: however often clients ask, the
 * work runs once at a time.
 */
export function shared<T>(ms: number, work: () => Promise<T>): () => Promise<T> {
  let last: { result: Promise<T>; until: number; settled: boolean } | null = null;
  return () => {
    if (last !== null && (!last.settled || last.until > Date.now())) return last.result;
    const begun = { result: work(), until: Date.now() + ms, settled: false };
    const settle = (): void => void (begun.settled = true);
    begun.result.then(settle, settle);
    last = begun;
    return begun.result;
  };
}
