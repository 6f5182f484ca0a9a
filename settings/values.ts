import type { Reader } from './reader.ts';

/* Readers for kinds of values that several settings share. */

/** @returns the base URL without a trailing slash */
export function readUrl<Name extends string>(
  { value, problem }: Reader<Name>,
  name: Name,
  fallback = '',
): string {
  const text = value(name) || fallback;
  const parsed = URL.parse(text);
  if (
    parsed === null ||
    !['http:', 'https:'].includes(parsed.protocol) ||
    parsed.username !== '' ||
    parsed.password !== '' ||
    parsed.search !== '' ||
    parsed.hash !== ''
  )
    problem(`${name} must be an http(s) URL without credentials, query or fragment`);
  return /^.*[^/]/s.exec(text)?.[0] ?? '';
}

export function readFlag<Name extends string>({ value, problem }: Reader<Name>, name: Name): boolean {
  if (!['true', 'false'].includes(value(name))) problem(`${name} must be true or false`);
  return value(name) === 'true';
}

/** @returns the non-empty parts of a comma-separated list */
export function readList<Name extends string>({ value }: Reader<Name>, name: Name): string[] {
  return value(name)
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
