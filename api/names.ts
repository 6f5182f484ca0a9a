import { apiError, fieldError } from './errors.ts';

/** The longest displayed name, in characters. */
export const LONGEST_NAME = 100;

/** All invisible characters, which can hide or reverse other text, except the joiners that scripts and emoji need. */
const INVISIBLE = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** More marks on one letter than any script has would overlap the lines around it. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/**
 * An untrusted name as one bounded line of visible text, which cannot break out of its place on a page or reverse the
 * text around it. Empty if nothing visible remains.
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

/** The cleaned name. @throws ApiError naming the field if nothing visible remains */
export function requireName(field: string, name: string): string {
  const clean = cleanName(name);
  if (clean !== '') return clean;
  throw fieldError([{ field, message: 'must have visible characters' }]) ?? apiError('invalid_request');
}
