import { sha256Hex } from '../crypto/signatures.ts';

/** JSON with sorted keys: equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** A hash of a value that does not depend on the order of its keys. */
export function hashOf(value: unknown): string {
  return sha256Hex(canonical(value));
}
