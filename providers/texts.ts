import { Type } from 'typebox';

/*
 * Maximum lengths of a request's texts, in Unicode characters, checked before everything else. A platform's own limit
 * is lower and is a separate rule (each provider's `rules.ts`).
 */

export const LONGEST_NAME = 200;
/** Text that a user writes. */
export const Words = Type.String({ maxLength: 10_000 });
/** An id, a username, a code. */
export const Name = Type.String({ maxLength: LONGEST_NAME });
export const Address = Type.String({ maxLength: 2000 });
