import type { Environment } from './setting.ts';

/** Shorter names are too near to others to be taken for a slip. */
const MIN_LENGTH = 8;
const SLIP = 2;

/**
 * Names in the environment that look like settings and are none, each with the nearest one. They do nothing, so that a
 * mistyped name would go unnoticed where its setting has a default.
 * @param known every name that is read
 * @param ours the first words of names that are meant for us
 */
export function unknownNames(
  env: Environment,
  known: readonly string[],
  ours: ReadonlySet<string>,
): string[] {
  return Object.keys(env).flatMap((name) => {
    if (known.includes(name) || name.startsWith('TEMPORAL_GRPC_META_')) return [];
    const nearest = alike(name, known)
      .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
      .reduce((best, one) => (one.distance < best.distance ? one : best));
    const isSlip = name.length >= MIN_LENGTH && nearest.distance <= SLIP;
    return ours.has(firstWord(name)) || isSlip
      ? [`${name} is not a setting of Everpost and does nothing; did you mean ${nearest.candidate}?`]
      : [];
  });
}

/** TIKTOK of TIKTOK_SCOPES, also of NEXT_PUBLIC_TIKTOK_CLIENT_KEY; empty where the name is a single word. */
export function firstWord(name: string): string {
  return /^(?:NEXT_PUBLIC_)?([^_]+)_/.exec(name)?.[1] ?? '';
}

/** Those that have all words of the name, where there are any: TIKTOK_SECRET is rather TIKTOK_CLIENT_SECRET than TIKTOK_SCOPES. */
function alike(name: string, known: readonly string[]): readonly string[] {
  const words = name.split('_');
  const whole = known.filter((candidate) => words.every((word) => candidate.split('_').includes(word)));
  return whole.length > 0 ? whole : known;
}

/** Levenshtein's: how many letters must be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1)
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}
