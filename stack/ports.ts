import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/**
 * Below the ports that systems give to clients and for port 0 (32768 and up on Linux, 49152 elsewhere): a killed server
 * finds its port free when it restarts. Above 10080, the last port that `fetch` refuses ("bad port", WHATWG Fetch, port
 * blocking): nobody could reach a server there.
 */
const RANGE = { from: 11_000, to: 32_000 };

/** A free port on the loopback address: one of the preferred, or else any. */
export async function freePort(...preferred: number[]): Promise<number> {
  for (const port of preferred) if (await isFree(port)) return port;
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(RANGE.from, RANGE.to);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of many ports between ${RANGE.from} and ${RANGE.to} is free on 127.0.0.1`);
}

/** This many free ports, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  return [...found];
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether a server listens there. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
