import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';
import type { Reader } from './reader.ts';
import { readList, readUrl } from './values.ts';

/** Where the processes listen, and the server's address in links. */
export interface Addresses {
  port: number;
  host: string;
  /** Port of a worker's metrics; null: it serves none. */
  workerPort: number | null;
  publicUrl: string;
}

type AddressName = 'PORT' | 'EVERPOST_WORKER_PORT' | 'HOST' | 'EVERPOST_PUBLIC_URL';

export function readAddresses(read: Reader<AddressName>): Addresses {
  const { value, problem } = read;
  const port = readPort(read, 'PORT');
  const workerPort = value('EVERPOST_WORKER_PORT') === '' ? null : readPort(read, 'EVERPOST_WORKER_PORT');
  const host = value('HOST');
  const hostIsRight = isIP(host) !== 0 || /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(host);
  if (!hostIsRight) problem('HOST must be an IP address or a host name, without scheme and port');
  const usual = `http://${linkHost(hostIsRight ? host : '127.0.0.1')}:${port}`;
  return { port, host, workerPort, publicUrl: readUrl(read, 'EVERPOST_PUBLIC_URL', usual) };
}

function readPort({ value, problem }: Reader<AddressName>, name: AddressName): number {
  const isRight = /^\d+$/.test(value(name)) && Number(value(name)) <= 65_535;
  if (!isRight) problem(`${name} must be a number from 0 to 65535`);
  return isRight ? Number(value(name)) : 0;
}

/** The listening address as links name it. */
function linkHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** @returns the addresses and networks of the proxies in front of the server */
export function readTrustedProxies(read: Reader<'EVERPOST_TRUSTED_PROXIES'>): string[] {
  const listed = readList(read, 'EVERPOST_TRUSTED_PROXIES');
  for (const one of listed)
    if (isIP(one) === 0 && !ipaddr.isValidCIDR(one))
      read.problem(
        'EVERPOST_TRUSTED_PROXIES must be a comma list of addresses or networks, as in 10.0.0.0/8',
      );
  return listed;
}

type ProxyName = 'HTTPS_PROXY' | 'HTTP_PROXY';

/** @returns the outbound proxies, and the hosts to call without them; empty strings if there are none */
export function readProxies(
  read: Reader<ProxyName | 'NO_PROXY'>,
): Record<'https' | 'http' | 'except', string> {
  return {
    https: readProxy(read, 'HTTPS_PROXY'),
    http: readProxy(read, 'HTTP_PROXY'),
    except: read.value('NO_PROXY'),
  };
}

/** The URL of a proxy; a bare host and port is common too. */
function readProxy({ value, problem }: Reader<ProxyName>, name: ProxyName): string {
  const text = value(name);
  if (text === '') return '';
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    problem(`${name} must be the http(s) URL of a proxy, as in http://proxy.example:3128`);
  return url;
}
