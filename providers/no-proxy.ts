import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether to call a URL without a proxy. */
export type Exception = (url: URL) => boolean;

const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * Parses NO_PROXY like curl and Go: names (with their subdomains, also as `.name` and `*.name`), addresses, networks
 * (`10.0.0.0/8`), each except a network with or without a port, `*` for everything; separated by commas or spaces.
 */
export function readNoProxy(text: string): Exception {
  const entries = text
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .map(readEntry);
  return (url) => {
    const host = url.hostname
      .replace(/^\[(.*)\]$/, '$1')
      .replace(/\.$/, '')
      .toLowerCase();
    const port = url.port || (Object.hasOwn(PORTS, url.protocol) ? PORTS[url.protocol] : '');
    return entries.some((entry) => entry.has(host) && (entry.port === undefined || entry.port === port));
  };
}

interface Entry {
  has: (host: string) => boolean;
  /** Undefined: every port. */
  port: string | undefined;
}

function readEntry(entry: string): Entry {
  if (entry === '*') return { has: () => true, port: undefined };
  if (ipaddr.isValidCIDR(entry)) return { has: inNetwork(entry), port: undefined };
  if (isIP(entry) !== 0) return { has: isAddress(entry), port: undefined };
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const host = bracketed ?? plain;
  return { has: isIP(host) === 0 ? isBelow(host.replace(/^\*?\./, '')) : isAddress(host), port };
}

const isBelow = (name: string) => (host: string) =>
  name !== '' && (host === name || host.endsWith(`.${name}`));

function isAddress(address: string): Entry['has'] {
  const wanted = ipaddr.process(address).toNormalizedString();
  return (host) => isIP(host) !== 0 && ipaddr.process(host).toNormalizedString() === wanted;
}

function inNetwork(network: string): Entry['has'] {
  const [base, bits] = ipaddr.parseCIDR(network);
  return (host) => {
    if (isIP(host) === 0) return false;
    const address = ipaddr.process(host);
    return address.kind() === base.kind() && address.match(base, bits);
  };
}
