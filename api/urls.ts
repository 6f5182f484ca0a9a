import ipaddr from 'ipaddr.js';

const LONGEST = 2000;

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

function isAddress(host: string): boolean {
  return ipaddr.isValid(host.replace(/^\[|\]$/g, ''));
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isAddress(host) && ipaddr.process(host.replace(/^\[|\]$/g, '')).range() === 'loopback';
}
