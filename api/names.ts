import { apiError, fieldError } from './errors.ts';

/** The longest name that is shown, in characters. */
export const LONGEST_NAME = 100;

/** Everything without a shape of its own, which can hide or turn other text round; the joiners of scripts and emoji stay. */
const INVISIBLE = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** More marks on one letter than any script has grow over the lines around it. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/**
 * A name from outside as one bounded line of visible text, which can neither break out of its place on a page nor turn the
 * text around it. Empty when nothing visible is left.
 */
export function cleanName(name: string): string {
  const visible = name
    .slice(0, LONGEST_NAME * 20)
    .replace(/\s/g, ' ')
    .replace(INVISIBLE, '')
    .replace(PILED_MARKS, '$1')
    .split(' ')
    .filter((word) => word !== '')
    .join(' ');
  const short = Array.from(visible).slice(0, LONGEST_NAME).join('');
  return /[^\p{M}\p{Cf}\p{Z}\u3164\u115f\u1160\uffa0\u2800]/u.test(short) ? short.trimEnd() : '';
}

/** A cleaned name. @throws ApiError naming the field when nothing visible is left of it */
export function requireName(field: string, name: string): string {
  const clean = cleanName(name);
  if (clean !== '') return clean;
  throw fieldError([{ field, message: 'must have visible characters' }]) ?? apiError('invalid_request');
}
