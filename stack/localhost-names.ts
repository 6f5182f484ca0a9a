import http from 'node:http';
import type { LookupFunction } from 'node:net';
import { Agent, setGlobalDispatcher } from 'undici';

const toLoopback: LookupFunction = (_name, { all }, callback) =>
  all === true ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);

/**
 * From now on, every call of this process goes to this machine: names below `localhost` resolve as in browsers (RFC
 * 6761), even if the system's resolver does not know them.
 */
export function findLocalhostNames(): void {
  setGlobalDispatcher(new Agent({ connect: { lookup: toLoopback } }));
  http.globalAgent = new http.Agent({ lookup: toLoopback });
}
