import ipaddr from 'ipaddr.js';
import type { FieldProblem } from './errors.ts';

const LONGEST = 2000;
/** Names that mean this machine or its network. */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|lan|home\.arpa)$/;

/** The hosts that a page's policy can name: an IPv6 address is none, and `;` or `,` would cut the policy in two. */
const NAMEABLE_HOST = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/;

/** What is wrong with an address to which a creator's browser is sent back; null: nothing. */
export function returnToProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || text.length > LONGEST) return 'must be an absolute URL';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials';
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
    ? null
    : 'must be https, or http on a loopback host';
}

/** An address as a source of a page's policy: where no source can name its host, all of its scheme. */
export function policySource(address: string): string {
  const { hostname, origin, protocol } = new URL(address);
  return NAMEABLE_HOST.test(hostname) ? origin : protocol;
}

/**
 * What is wrong with an address from which a provider is to fetch media; null: nothing.
 * @param allowPrivate whether http, addresses and local names are fine (development)
 */
export function mediaUrlProblem(text: string, allowPrivate: boolean): string | null {
  const url = URL.parse(text);
  if (url === null || text.length > LONGEST) return 'must be an absolute URL';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials';
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'must be https';
  if (allowPrivate) return null;
  const host = url.hostname.replace(/\.$/, '');
  if (isAddress(host)) return 'must have a host name, not an address';
  return LOCAL_NAME.test(host) || !host.includes('.') ? 'must have a public host name' : null;
}

/** An address of a file that somebody has typed. @param message of {@link mediaUrlProblem} */
export function addressProblem(field: string, message: string): FieldProblem {
  return { field, message, userMessage: `The file’s URL ${message}.` };
}

function isAddress(host: string): boolean {
  return ipaddr.isValid(host.replace(/^\[|\]$/g, ''));
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isAddress(host) && ipaddr.process(host.replace(/^\[|\]$/g, '')).range() === 'loopback';
}
