import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { percentile } from './stats.ts';
import { signedEvent, type SignedEvent } from './webhook-event.ts';

/*
 * `node bench/load.ts JSON`: sends signed webhooks and prints the results. A separate process, so that it shares no
 * event loop with the measured one.
 */

export interface Load {
  url: string;
  secret: string;
  /** Distinguishes the events of different runs. */
  tag: string;
  count: number;
  connections: number;
  /** Requests a second on a fixed schedule; without it each connection sends as soon as it has its answer. */
  rate?: number;
  /** Repeats every request that was not answered 200 until it is. */
  insist?: boolean;
}

export interface LoadResult {
  answered: number;
  refused: number;
  /** Answers a second, from the first request to the last answer. */
  perSecond: number;
  p50: number;
  p99: number;
  max: number;
}

const PATIENCE_MS = 60_000;

async function main(load: Load): Promise<LoadResult> {
  const { origin, pathname } = new URL(load.url);
  const pool = new Pool(origin, { connections: load.connections, pipelining: 1 });
  const events = Array.from({ length: load.count }, (_, index) => signedEvent(load.secret, load.tag, index));
  const latencies: number[] = [];
  let refused = 0;

  async function post({ body, signature }: SignedEvent): Promise<boolean> {
    try {
      const answer = await pool.request({
        path: pathname,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'tiktok-signature': signature },
        body,
      });
      await answer.body.dump();
      return answer.statusCode === 200;
    } catch {
      return false;
    }
  }

  /** @param since start of the latency: when the request should have been sent, not when a connection was free */
  async function send(event: SignedEvent | undefined, since: number): Promise<void> {
    if (event === undefined) return;
    const end = Date.now() + PATIENCE_MS;
    let ok = await post(event);
    while (!ok && load.insist === true && Date.now() < end) {
      await sleep(200);
      ok = await post(event);
    }
    if (ok) latencies.push(performance.now() - since);
    else refused += 1;
  }

  // Connect before the clock starts.
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      pool.request({ path: '/livez', method: 'GET' }).then(({ body }) => body.dump()),
    ),
  );
  const start = performance.now();
  if (load.rate === undefined) {
    let next = 0;
    const connection = async (): Promise<void> => {
      while (next < events.length) await send(events[next++], performance.now());
    };
    await Promise.all(Array.from({ length: load.connections }, connection));
  } else {
    const interval = 1000 / load.rate;
    const sent: Promise<void>[] = [];
    while (sent.length < events.length) {
      const due = start + sent.length * interval;
      const wait = due - performance.now();
      if (wait > 0) await sleep(Math.ceil(wait));
      else sent.push(send(events[sent.length], due));
    }
    await Promise.all(sent);
  }
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return {
    answered: latencies.length,
    refused,
    perSecond: latencies.length / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    max: percentile(latencies, 1),
  };
}

const load: Load = JSON.parse(process.argv[2] ?? '');
process.stdout.write(JSON.stringify(await main(load)));
