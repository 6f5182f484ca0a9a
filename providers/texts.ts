import { Type } from 'typebox';

/*
 * How long the texts of a request may be, in Unicode characters, before anything else looks at them. What a platform
 * takes is less, and a rule of its own (`request.ts` of each).
 */

/** What a person writes. */
export const Words = Type.String({ maxLength: 10_000 });
/** An id, a user's name, a code. */
export const Name = Type.String({ maxLength: 200 });
export const Address = Type.String({ maxLength: 2000 });
