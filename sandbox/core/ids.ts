import { randomBytes, randomInt } from 'node:crypto';

/** A decimal id of 19 digits, above 2^53 and never a number that a double can hold (those are multiples of 1024). */
export function int64Id(): string {
  let middle = '';
  while (middle.length < 16) middle += String(randomInt(10));
  return `76${middle}9`;
}

/** `YYYYMMDDHHMMSS` and hex digits, 34 characters. */
export function logId(now: number): string {
  const stamp = new Date(now).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return stamp + randomBytes(10).toString('hex').toUpperCase();
}

export function token(prefix: string): string {
  return prefix + randomBytes(48).toString('base64url');
}
