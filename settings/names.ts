import type { Environment } from './setting.ts';

/** Shorter names are too similar to others to be called a typo. */
const MIN_LENGTH = 8;
const SLIP = 2;

/**
 * Warns about names that look like settings but are not, each with the nearest real name. They have no effect, so a
 * mistyped name would go unnoticed if its setting has a default.
 * @param known every name that Everpost reads
 * @param ours the first words of names meant for us
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
      ? [`${name} is not a setting of Everpost and has no effect; did you mean ${nearest.candidate}?`]
      : [];
  });
}

/** TIKTOK of TIKTOK_SCOPES, and also of NEXT_PUBLIC_TIKTOK_CLIENT_KEY; empty for a single word. */
export function firstWord(name: string): string {
  return /^(?:NEXT_PUBLIC_)?([^_]+)_/.exec(name)?.[1] ?? '';
}

/**
 * The names that have all words of this one, if there are any: TIKTOK_SECRET more likely means TIKTOK_CLIENT_SECRET
 * than TIKTOK_SCOPES.
 */
function alike(name: string, known: readonly string[]): readonly string[] {
  const words = name.split('_');
  const whole = known.filter((candidate) => words.every((word) => candidate.split('_').includes(word)));
  return whole.length > 0 ? whole : known;
}

/** The Levenshtein distance: the number of letters to insert, delete or replace. */
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
