import { randomBytes, randomInt } from 'node:crypto';

/** Seventeen digits, above 2^53 and odd: a client that reads it as a double gets another id (instagram-facts 1.4). */
export function graphId(prefix: string): string {
  let digits = prefix;
  while (digits.length < 16) digits += String(randomInt(10));
  return `${digits}9`;
}

/** The name of a post in its permalink. It is not the id (threads-facts 1.1). */
export function shortcode(): string {
  return `C${randomBytes(8).toString('base64url')}`;
}
