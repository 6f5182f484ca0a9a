import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Reduces X-Forwarded-For to a list of addresses, so that a request's address is always valid: proxies also write
 * ports, names and "unknown" into it. Entries before an invalid one cannot be trusted.
 */
export function cleanForwardedFor({ headers }: IncomingMessage): void {
  const given = headers['x-forwarded-for'];
  if (given === undefined) return;
  const addresses = [given].flat().join(',').split(',').map(addressOf);
  headers['x-forwarded-for'] = addresses.slice(addresses.lastIndexOf(null) + 1).join(', ');
}

/** Reads "192.0.2.7", "192.0.2.7:443", "2001:db8::7" and "[2001:db8::7]:443". */
function addressOf(text: string): string | null {
  const [, bracketed] = /^\[([^\]]{1,60})\](?::\d{1,5})?$/.exec(text.trim()) ?? [];
  const [, withPort] = /^([\d.]{7,15}):\d{1,5}$/.exec(text.trim()) ?? [];
  const address = bracketed ?? withPort ?? text.trim();
  return isIP(address) === 0 ? null : address;
}
