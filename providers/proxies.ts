import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { MINUTE } from '../durations.ts';
import { type Exception, readNoProxy } from './no-proxy.ts';

/** The proxies of outgoing calls; empty: none. */
export interface Proxies {
  /** For https URLs. */
  https: string;
  /** For http URLs. */
  http: string;
  /** Hosts to call without a proxy, in the format of NO_PROXY. */
  except: string;
}

/** Limits for the connection, the first byte of the answer, and pauses within it. */
const POOL: Agent.Options = {
  connect: { timeout: 10_000 },
  headersTimeout: MINUTE,
  bodyTimeout: 30_000,
  keepAliveTimeout: 4_000,
  connections: 32,
};

const direct = new Agent(POOL);
const through = new Map<string, Dispatcher>();
let isExcepted: Exception = () => false;

/** Sends all calls from now on through these proxies. This machine itself is always called directly. */
export function sendThrough({ https, http, except }: Proxies): void {
  through.clear();
  isExcepted = readNoProxy(except);
  for (const [protocol, proxy] of [
    ['https:', https],
    ['http:', http],
  ] as const)
    if (proxy !== '') through.set(protocol, new ProxyAgent({ ...POOL, uri: proxy }));
}

/** The dispatcher for calls to this URL. */
export function dispatcherFor(url: string): Dispatcher {
  const target = new URL(url);
  if (LOOPBACK.test(target.hostname) || isExcepted(target)) return direct;
  return through.get(target.protocol) ?? direct;
}

const LOOPBACK = /^(?:localhost|[^/]*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
